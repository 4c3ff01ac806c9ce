/** Messages as they are shown: a reply with what it replies to, as that is now, to whom it is to be seen. */
import { asSeen, type Message } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
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
async function presentEach(messages: MessageCollection, shown: readonly Shown[]): Promise<Message[]> {
  const replied = shown.flatMap(({ document: { replyTo }, view }) => (replyTo && isVisible(view, replyTo.seq) ? [replyTo.id] : []));
  if (replied.length === 0) return shown.map(({ document, view }) => toMessage(document, undefined, view.viewer));
  const originals = new Map(shown.map(({ document }) => [keyOf(document._id), document]));
  const missing = replied.filter((id) => !originals.has(keyOf(id)));
  if (missing.length > 0) for (const original of await messages.find({ _id: { $in: missing } }).toArray()) originals.set(keyOf(original._id), original);
  return shown.map(({ document, view }) => {
    const { replyTo } = document;
    return toMessage(document, replyTo && isVisible(view, replyTo.seq) ? originals.get(keyOf(replyTo.id)) : undefined, view.viewer);
  });
}

/** What some people may see of some chats, as it is now; undefined where they are not in it. */
export type FindViews = (userIds: readonly Id[], chatIds: readonly Id[]) => Promise<(userId: Id, chatId: Id) => View | undefined>;

/** What messages are read from, and who may see them. */
export interface Source {
  messages: MessageCollection;
  findViews: FindViews;
}

/** What its viewer may see of the chat by now, and the message if it is among that. */
export interface Seen {
  message?: Message;
  view?: View;
}

/**
 * The same, and what each may see is looked up once more behind the messages. Meanwhile they may have been put out, or
 * somebody whom they block has edited what was to be seen.
 */
export async function showEach({ messages, findViews }: Source, shown: readonly Shown[]): Promise<Seen[]> {
  const found = await presentEach(messages, shown);
  const viewers = new Set(shown.flatMap(({ view: { viewer } }) => viewer ?? []));
  const viewOf = viewers.size > 0 ? await findViews([...viewers], [...new Set(found.map(({ chatId }) => chatId))]) : undefined;
  return found.map((message, index) => {
    const asked = shown[index]?.view;
    const view = asked?.viewer === undefined ? asked : viewOf?.(asked.viewer, message.chatId);
    return view ? { view, ...(isVisible(view, message.seq) && { message: asSeen(message, view) }) } : {};
  });
}

const keyOf = (id: MessageDocument['_id']): string => id.toString('hex');
