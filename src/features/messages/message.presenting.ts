/** Messages as they are shown: a reply with what it replies to, as that is now, to whom it is to be seen. */
import type { Message } from '../../core/message.ts';
import { everything, isVisible, type View } from '../../core/view.ts';
import { toMessage, type MessageCollection, type MessageDocument } from './message.model.ts';

/** In their order. What they reply to is looked up, all of it at once, where it is not among them. */
export async function present(messages: MessageCollection, documents: readonly MessageDocument[], view: View = everything): Promise<Message[]> {
  const replied = documents.flatMap(({ replyTo }) => (replyTo && isVisible(view, replyTo.seq) ? [replyTo.id] : []));
  if (replied.length === 0) return documents.map((document) => toMessage(document, undefined, view.viewer));
  const originals = new Map(documents.map((document) => [keyOf(document._id), document]));
  const missing = replied.filter((id) => !originals.has(keyOf(id)));
  if (missing.length > 0) for await (const original of messages.find({ _id: { $in: missing } })) originals.set(keyOf(original._id), original);
  return documents.map((document) => {
    const { replyTo } = document;
    return toMessage(document, replyTo && isVisible(view, replyTo.seq) ? originals.get(keyOf(replyTo.id)) : undefined, view.viewer);
  });
}

const keyOf = (id: MessageDocument['_id']): string => id.toString('hex');
