/** What a device is called, from what it says about itself. */
import Bowser from 'bowser';

/** Longer ones are no browser's, and take the patterns long. */
const longest = 300;

/** "Firefox on Linux" from a User-Agent (RFC 9110, section 10.1.5); what is no browser goes by its own first words. */
export function deviceOf(userAgent: string): string {
  if (userAgent === '') return 'unknown device';
  const { browser, os } = Bowser.parse(userAgent.slice(0, longest));
  const names = [browser.name, os.name].filter((name) => name !== undefined && name !== '');
  return names.length === 2 ? names.join(' on ') : userAgent.replace(/\p{C}/gu, '').slice(0, 60);
}
