/**
 * What a message is found by, and whether it fits what is looked for. Scripts that put no spaces between words are cut into
 * pairs of characters, so that any part of a text is found; all others into words.
 */
import { fold, foldedWordsOf } from '../../core/text.ts';

/** What somebody looks for. */
export interface Query {
  /** Every message that fits has, for each of these, a word that begins with it. Empty if nothing can be found. */
  beginnings: readonly string[];
  /** All of them are so short that many messages are likely to have them. */
  isVague: boolean;
  /** The index knows the beginnings of words and pairs only: this is asked of the text itself. */
  fits(text: string): boolean;
}

/** Characters of a word that the index knows. */
const longestWord = 32;
/** Words of a query by which the index is asked. */
const mostBeginnings = 8;
const longestVague = 3;
const lettersOfWord = 5;

const unspaced = '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Hangul}\\p{scx=Bopomofo}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}';
/** Digits and signs that these scripts share with others belong to words. */
const run = new RegExp(`(?:(?=[\\p{L}\\p{Nl}\\p{M}])[${unspaced}])+`, 'gu');
const unspacedLetter = new RegExp(`[${unspaced}]`, 'gu');

/** Composed again after folding, which takes the syllables of Hangul apart. */
const foldComposed = (text: string): string => fold(text).normalize('NFC');

/** Texts of their runs without spaces, and of the words between them. */
function partsOf(text: string): { folded: string; runs: string[]; words: string[] } {
  const folded = foldComposed(text);
  return { folded, runs: [...new Set(folded.match(run) ?? [])], words: foldedWordsOf(folded.replace(run, ' ')) };
}

/** How much a text gives the index to do, in letters: where no spaces are each character is a word, which elsewhere has some five. */
export const weightOf = (text: string): number => text.length + (lettersOfWord - 1) * (text.match(unspacedLetter)?.length ?? 0);

/** Of short texts, which most are, the length says it. */
export const weighsMoreThan = (most: number, text: string): boolean => text.length > most / lettersOfWord && weightOf(text) > most;

/** The words that a message is found by: all of them, about as many as it has characters in a script without spaces. */
export function indexedWords(text: string): string[] {
  const { runs, words } = partsOf(text);
  return [...new Set([...words.map(cut), ...runs.flatMap(toPairs)])];
}

export function toQuery(text: string): Query {
  const { runs, words } = partsOf(text);
  // Whatever has the pair before it has the last character, too.
  const pairs = runs.map(toPairs).flatMap((all) => (all.length === 1 ? all : all.slice(0, -1)));
  const beginnings = [...new Set([...words.map(cut), ...pairs])].sort((a, b) => b.length - a.length);
  return {
    beginnings: beginnings.slice(0, mostBeginnings),
    isVague: runs.length === 0 && words.every(({ length }) => length <= longestVague),
    fits(other) {
      const parts = partsOf(other);
      return words.every((word) => parts.words.some((known) => known.startsWith(word))) && runs.every((one) => parts.folded.includes(one));
    },
  };
}

/** By characters: half of one is none. */
const cut = (word: string): string => (word.length <= longestWord ? word : Array.from(word).slice(0, longestWord).join(''));

/** Each character with the next one, and the last alone: so every character begins one of them. */
function toPairs(text: string): string[] {
  const characters = Array.from(text);
  return characters.map((character, index) => character + (characters[index + 1] ?? ''));
}
