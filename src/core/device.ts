/** What a device is called, from what it says about itself. */
import Bowser from 'bowser';

/** Longer ones are no browser's. */
const longest = 300;

/** What is kept of a User-Agent that came with a request. */
export const cutUserAgent = (userAgent = ''): string => userAgent.slice(0, longest);

/** "Firefox on Linux" from a User-Agent (RFC 9110, section 10.1.5); what is no browser goes by its own first words. */
export function deviceOf(userAgent: string): string {
  const said = cutUserAgent(userAgent);
  // Bowser refuses to look at nothing.
  const { browser, os } = Bowser.parse(said || '-');
  const names = [browser.name, os.name].filter((name) => name !== undefined && name !== '');
  return tame(names.length === 2 ? names.join(' on ') : said) || 'unknown device';
}

/** Anybody can say anything, and it is shown in mails: up to 60 characters are left, and nothing that makes a link. */
const tame = (name: string): string => /^.{0,60}/u.exec(name.replace(/[^\p{L}\p{N} ().,;+_/-]/gu, '').replace(/\/{2,}/g, '/').replace(/\.(?=\p{L})/gu, ' ').trim())?.[0] ?? '';
