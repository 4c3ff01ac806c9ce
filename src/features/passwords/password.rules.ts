/** Which passwords are too easy to guess: the most common ones, and those made of what is known about their owner. */
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';
import { AppError } from '../../core/errors.ts';
import { escapeRegExp, fold } from '../../core/text.ts';

/** What others know, or soon guess, about the owner of a password. */
export interface PasswordOwner {
  email?: string;
  username?: string;
  firstName?: string;
  lastName?: string;
}

/** 49,233 of them, in small letters: the 10,000 most common ones and then some. Read when the server starts, in 30 ms; 4 MB. */
const common = new Set(dictionary['passwords-common']);

/** Fewer, and a password is as easy as one of the 10,000 most common ones. */
const leastGuesses = 10_000;

/**
 * Counts the guesses that whoever tries common passwords, repetitions, and keys in a row needs to come upon one. A word
 * that stands further down the list takes too many by itself: it would take memory and decide nothing.
 */
const guesser = new ZxcvbnFactory({ dictionary: { passwords: dictionary['passwords-common'].slice(0, leastGuesses) }, graphs: adjacencyGraphs });

/** The lengths for which that is counted: fewer characters are of a script that has too many to try, and no common password has more. */
const counted = { least: 8, most: 20 };

/** Characters of a part of a name that counts by itself; shorter ones are in everything. */
const leastWord = 3;

/** Characters that a password must have besides what is known about its owner. */
const leastOwn = 4;

/**
 * Refuses a password that is a common one as a whole, which is what NIST SP 800-63B-4 (section 3.1.1.2) asks for, that is
 * found as soon as one, such as "87654321" or "asdfasdf", or of which fewer than four characters are left without the
 * owner's e-mail, the part of it before the @, username and names.
 * Case and accents make no difference.
 * @throws PASSWORD_TOO_EASY
 */
export function requireStrongPassword(password: string, owner: PasswordOwner): void {
  const folded = fold(password);
  if (common.has(folded) || isSoonFound(folded) || isMadeOf(folded, knownOf(owner))) throw new AppError('PASSWORD_TOO_EASY');
}

const isSoonFound = (folded: string): boolean => folded.length >= counted.least && folded.length <= counted.most && guesser.check(folded).guesses < leastGuesses;

function knownOf({ email = '', username = '', firstName = '', lastName = '' }: PasswordOwner): string[] {
  const [localPart = ''] = email.split('@');
  const texts = [email, localPart, username, firstName, lastName].map(fold);
  const words = texts.slice(1).flatMap((text) => text.match(/\p{L}+/gu) ?? []).filter((word) => word.length >= leastWord);
  return [...texts, ...words].filter((text) => text !== '');
}

function isMadeOf(folded: string, known: readonly string[]): boolean {
  if (known.length === 0) return false;
  // The longest first: of "annalouisa" nothing is left if that is a name, though "ann" is one, too.
  const anyOfThem = new RegExp(known.toSorted((a, b) => b.length - a.length).map(escapeRegExp).join('|'), 'gu');
  const left = folded.replace(anyOfThem, '');
  return left !== folded && Array.from(left).length < leastOwn;
}
