/** Texts: how names are compared, without regard to case, accents or compatibility forms; and how a text goes into another language. */

/** Letters of which Unicode takes nothing off, and how they are written without; and the sigma that ends a word. */
const plain: Record<string, string> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ŧ: 't', ı: 'i', ς: 'σ' };
const notPlain = new RegExp(`[${Object.keys(plain).join('')}]`, 'gu');

/**
 * What readers pass over, as sets in a regular expression. Other marks are of their letter: the voicing of kana, the vowels
 * of Devanagari and of Thai.
 */
const passedOver = [
  // Diacritics of Latin, Greek and Cyrillic.
  '\\u0300-\\u036F\\u0483-\\u0487\\u1AB0-\\u1AFF\\u1DC0-\\u1DFF\\u20D0-\\u20FF\\uFE20-\\uFE2F',
  // Points of Hebrew, vowels of Arabic.
  '\\u0591-\\u05BD\\u05BF\\u05C1\\u05C2\\u05C4\\u05C5\\u05C7',
  '\\u0610-\\u061A\\u064B-\\u065F\\u0670\\u06D6-\\u06DC\\u06DF-\\u06E4\\u06E7\\u06E8\\u06EA-\\u06ED',
  // What chooses a form, breaks a line, or joins, unseen (UAX #29: none of these ends a word).
  '\\uFE00-\\uFE0F\\u00AD\\u200C\\u200D\\u2060\\uFEFF',
];
const unread = new RegExp(`[${passedOver.join('')}]`, 'gu');

/** A text as it is compared: "Élodie" and "ELODIE" give the same. */
export const fold = (text: string): string => text.normalize('NFKD').replace(unread, '').toLowerCase().replace(notPlain, (letter) => plain[letter] ?? letter);

/** The words of a text, folded, each once. */
export const wordsOf = (text: string): string[] => foldedWordsOf(fold(text));

/** The same of a text that is folded already. */
export const foldedWordsOf = (folded: string): string[] => [...new Set(folded.match(/[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*/gu) ?? [])];

/** What shows nothing, as a set in a regular expression: controls, formats, spaces, fillers, the empty cell of Braille and the note without a head. */
const unseen = '\\p{Cc}\\p{Cs}\\p{Cf}\\p{Z}\\p{Default_Ignorable_Code_Point}\\u2800\\u{1d159}';

/** As a pattern: a line that has something to see. Looked for from its end: one pattern for both would take quadratic time. */
export const visibleLine = `^(?=[^\\p{Cc}\\p{Cs}]*[^${unseen}])[^\\p{Cc}\\p{Cs}]*$`;

/** A text with everything escaped that means something in a regular expression. */
export const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
/** A text with everything escaped that means something in HTML, between tags or in an attribute. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
