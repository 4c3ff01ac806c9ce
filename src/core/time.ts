/** What counts as a time: one by RFC 3339 that clocks have here, and that can be told in the same form. */
import { fullFormats } from 'ajv-formats/dist/formats.js';

const { validate } = fullFormats['date-time'] as { validate: (text: string) => boolean };

/** RFC 3339 has seconds that were inserted into the calendar, and zones that lead out of the years it can name. */
export function isTime(text: string): boolean {
  if (!validate(text)) return false;
  const year = new Date(text).getUTCFullYear();
  return year >= 0 && year <= 9999;
}
