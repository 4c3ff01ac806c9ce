/** Messages as they are shown: a reply with what it replies to, as that is now, to whom it is to be seen. */
import type { Message } from '../../core/message.ts';
import { everything, isVisible, type View } from '../../core/view.ts';
import { toMessage, type MessageCollection, type MessageDocument } from './message.model.ts';

/** In their order. */
export const present = async (messages: MessageCollection, documents: readonly MessageDocument[], view: View = everything): Promise<Message[]> =>
  presentEach(messages, documents.map((document) => ({ document, view })));

/** A message, and who is to see it. */
export interface Shown {
  document: MessageDocument;
  view: View;
}

/** The same for eyes of their own each. What they reply to is looked up, all of it at once, where it is not among them. */
export async function presentEach(messages: MessageCollection, shown: readonly Shown[]): Promise<Message[]> {
  const replied = shown.flatMap(({ document: { replyTo }, view }) => (replyTo && isVisible(view, replyTo.seq) ? [replyTo.id] : []));
  if (replied.length === 0) return shown.map(({ document, view }) => toMessage(document, undefined, view.viewer));
  const originals = new Map(shown.map(({ document }) => [keyOf(document._id), document]));
  const missing = replied.filter((id) => !originals.has(keyOf(id)));
  if (missing.length > 0) for await (const original of messages.find({ _id: { $in: missing } })) originals.set(keyOf(original._id), original);
  return shown.map(({ document, view }) => {
    const { replyTo } = document;
    return toMessage(document, replyTo && isVisible(view, replyTo.seq) ? originals.get(keyOf(replyTo.id)) : undefined, view.viewer);
  });
}

const keyOf = (id: MessageDocument['_id']): string => id.toString('hex');
