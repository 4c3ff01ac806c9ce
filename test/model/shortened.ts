/** What a device or a fetch holds of a chat, in the words of the model. */
import type { Message } from '../../src/core/message.ts';
import type { Member, Mine } from '../../src/features/chats/chats.contract.ts';

export const messageInShort = ({ seq, rev, senderId, text, notice, replyTo, reactions = [], editedAt, removedAt }: Message) => ({
  seq,
  ...(rev !== undefined && { rev }),
  senderId,
  ...(text !== undefined && { text }),
  ...(notice && { notice }),
  ...(replyTo && { replyTo: [replyTo.seq, replyTo.senderId, replyTo.text, replyTo.removedAt !== undefined] }),
  reactions: reactions.map(({ emoji, userIds }) => [emoji, userIds]),
  edited: editedAt !== undefined,
  removed: removedAt !== undefined,
});

/** How it shows the message it replies to is the business of whoever shows it. */
export const withoutOriginal = ({ replyTo: _original, ...message }: { seq: number; replyTo?: unknown }): object => message;

export function inShort(state: unknown): unknown {
  const { chat, mine, members, messages, unread } = state as { chat: { kind: string; title?: string; settings?: object }; mine: Mine; members: Record<string, Member>; messages: Message[]; unread: number };
  return {
    kind: chat.kind,
    title: chat.title,
    settings: chat.settings,
    members: Object.fromEntries(Object.entries(members).map(([id, { user, role, readSeq, deliveredSeq }]) => [id, [user.firstName, role, readSeq, deliveredSeq]])),
    messages: messages.map(messageInShort),
    unread,
    own: { archived: mine.archived, pinned: mine.pinned, markedUnread: mine.markedUnread },
  };
}
