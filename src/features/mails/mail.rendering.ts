/** Makes a mail of its text: a part of plain text and one of HTML that say the same. */
import { escapeHtml } from '../../core/text.ts';
import type { PreparedMail } from './mails.service.ts';
import type { MailKind } from './mail.model.ts';
import { greetings, texts } from './mail.texts.ts';

export interface RenderedMail {
  subject: string;
  text: string;
  html: string;
}

/** As long as an address can be (RFC 5321, 4.5.3.1.3). */
const longestValue = 254;
const longestName = 64;

/**
 * What a person gets to read. The value `when` is a time in ISO 8601.
 * @throws Error if the text needs a value or a link that is not there
 */
export function renderMail(kind: MailKind, { language, name, link, values }: Omit<PreparedMail, 'to'>): RenderedMail {
  const { subject, paragraphs, button } = texts[kind][language];
  if ((button === undefined) !== (link === undefined)) throw new Error(`The mail ${kind} must have a link if, and only if, its text has a place for one.`);
  const fill = (template: string): string =>
    template.replace(/\{(\w+)\}/g, (_, key: string) => {
      const value = values[key];
      if (value === undefined) throw new Error(`The mail ${kind} lacks the value ${key}.`);
      return key === 'when' ? toMoment(value, language) : toLine(value).slice(0, longestValue);
    });
  const greeting = greetings[language](toGreetedName(name));
  const [first = '', ...rest] = paragraphs.map(fill);
  const lines = [greeting, first, ...(link === undefined ? [] : [link]), ...rest, signature];
  const parts = [toHtml(greeting), toHtml(first), ...(link === undefined || button === undefined ? [] : [toButton(button, link)]), ...rest.map(toHtml), toHtml(signature)];
  return { subject, text: `${lines.join('\n\n')}\n`, html: toPage(language, subject, parts.join('\n')) };
}

const signature = 'Parley';

/** One line, in which nothing changes the direction of what follows. */
const toLine = (value: string): string =>
  value
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/[\p{Bidi_Control}\p{Cs}]/gu, '')
    .trim();

/**
 * The name if it looks like one. Names are chosen by whoever signs up, for any address: one that mail programs would make a
 * link of is advertising, or bait, in a mail of ours.
 */
function toGreetedName(name: string): string | undefined {
  const line = toLine(name);
  const isName = line !== '' && line.length <= longestName && !/[<>:/\\@"]|[.。．｡][\p{L}\p{N}]{2}/u.test(line);
  return isName ? line : undefined;
}

const toMoment = (time: string, language: string): string =>
  `${new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' }).format(new Date(time))} UTC`;

const toHtml = (paragraph: string): string => `<p style="margin:0 0 16px">${escapeHtml(paragraph)}</p>`;

const toButton = (label: string, link: string): string =>
  `<p style="margin:0 0 16px"><a href="${escapeHtml(link)}" style="display:inline-block;padding:12px 20px;border-radius:6px;background:#1f5fbf;color:#ffffff;text-decoration:none">${escapeHtml(label)}</a></p>`;

const toPage = (language: string, title: string, body: string): string => `<!doctype html>
<html lang="${language}">
<head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="margin:0;padding:24px;background:#ffffff">
<div style="max-width:480px;margin:0 auto;font:16px/1.5 sans-serif;color:#222222">
${body}
</div>
</body>
</html>
`;
