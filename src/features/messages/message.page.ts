/** Pages of a chat's messages, as one person sees them. */
import type { Types } from 'mongoose';
import { AppError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { cutPage, rowsFor } from '../../core/page.ts';
import { before as lastBefore, endless, isVisible, past, type View } from '../../core/view.ts';
import type { MessageDocument } from './message.model.ts';
import { showEach, type Source } from './message.presenting.ts';

export interface PageRequest {
  before?: number;
  after?: number;
  around?: number;
  limit: number;
}

/** What somebody may see of a chat. */
export interface Visible {
  source: Source;
  chatId: Types.ObjectId;
  view: View;
}

/** By ascending numbers, and whether the direction asked for goes on. */
export interface Page {
  items: Message[];
  more: boolean;
}

/** Without a direction: the newest. @throws CHAT_NOT_FOUND if the viewer was put out meanwhile */
export async function page(source: Source, chatId: Types.ObjectId, view: View, { before, after, around, limit }: PageRequest): Promise<Page> {
  const range = { source, chatId, view };
  if (after !== undefined) return ascending(range, after, limit);
  if (around === undefined) return descending(range, before ?? endless, limit);
  const older = await descending(range, around + 1, Math.ceil(limit / 2));
  const newer = await ascending(range, around, limit - older.items.length);
  return { items: [...older.items, ...newer.items], more: older.more || newer.more };
}

async function ascending(range: Visible, after: number, limit: number): Promise<Page> {
  const found = await documentsAfter(range, { after, upTo: Infinity }, rowsFor(limit));
  const { rows, more } = cutPage(found, limit);
  return shownPage(range, { rows, more }, (view) => ascending({ ...range, view }, after, limit));
}

/** A page is read anew where not all of it is to be seen any more: it would have a hole, or be empty and go on. */
async function shownPage({ source, view }: Visible, { rows, more }: { rows: MessageDocument[]; more: boolean }, anew: (view: View) => Promise<Page>): Promise<Page> {
  const seen = await showEach(source, rows.map((document) => ({ document, view })));
  const items = seen.flatMap(({ message }) => message ?? []);
  if (items.length === rows.length) return { items, more };
  const [{ view: now } = {}] = seen;
  if (!now) throw new AppError('CHAT_NOT_FOUND');
  return anew(now);
}

/** What is hidden is left out after reading, and a long stretch of it is leapt over. */
export async function documentsAfter({ source: { messages }, chatId, view }: Visible, { after, upTo }: { after: number; upTo: number }, limit: number): Promise<MessageDocument[]> {
  const found: MessageDocument[] = [];
  let last = after;
  while (found.length < limit) {
    last = past(view, last, upTo);
    const read = await messages.find({ chatId, seq: { $gt: last, $lte: upTo } }).sort({ seq: 1 }).limit(limit).toArray();
    found.push(...read.filter(({ seq }) => isVisible(view, seq)));
    last = read.at(-1)?.seq ?? last;
    if (read.length < limit) break;
  }
  return found.slice(0, limit);
}

async function descending(range: Visible, before: number, limit: number): Promise<Page> {
  const { source: { messages }, chatId, view } = range;
  const found: MessageDocument[] = [];
  let first = before;
  while (found.length <= limit) {
    first = lastBefore(view.hidden, first) + 1;
    const read = await messages.find({ chatId, seq: { $gt: view.fromSeq, $lt: first } }).sort({ seq: -1 }).limit(rowsFor(limit)).toArray();
    found.push(...read.filter(({ seq }) => isVisible(view, seq)));
    first = read.at(-1)?.seq ?? first;
    if (read.length <= limit) break;
  }
  const { rows, more } = cutPage(found, limit);
  return shownPage(range, { rows: rows.reverse(), more }, (now) => descending({ ...range, view: now }, before, limit));
}
