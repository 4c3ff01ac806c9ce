/** What went wrong, in plain words; and the pages that end a sign-in with Google where there is no app to go back to. */
import type { Language } from '../../../core/contract.ts';
import type { AppError } from '../../../core/errors.ts';
import type { Page } from './page.ts';
import { texts } from './texts.ts';

/** The sentence for an error; one that has none of its own is our fault. */
export function toSentence(language: Language, { code, details }: AppError): string {
  const problems: Readonly<Record<string, string>> = texts[language].problems;
  const sentence = problems[code] ?? texts[language].problems.INTERNAL;
  const { retryAfter = 1 } = (details ?? {}) as { retryAfter?: number };
  return sentence.replace('{when}', toWait(language, retryAfter));
}

/** "in 40 seconds", "in 5 minutes": never less than it takes. */
function toWait(language: Language, seconds: number): string {
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'always' });
  return seconds < 100 ? format.format(seconds, 'second') : format.format(Math.ceil(seconds / 60), 'minute');
}

export const failedPage = (language: Language, error: AppError): Page => ({ title: texts[language].failed, paragraphs: [toSentence(language, error)] });

export const signInFailedPage = (language: Language, error: AppError): Page => ({ title: texts[language].signInFailed, paragraphs: [toSentence(language, error)] });

export const signedInPage = (language: Language): Page => ({ title: texts[language].signedIn.title, paragraphs: [texts[language].signedIn.text] });
