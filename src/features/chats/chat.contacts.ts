/**
 * Who are whose contacts: the other one of a private chat, for whoever has opened it themselves or written there. Nobody
 * makes themselves a contact of somebody else.
 */
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatAccess } from './chat.access.ts';
import { pairKeyOf, type ChatModel } from './chat.model.ts';
import { otherOf } from './chat.partners.ts';
import type { ChatHistory } from './chat.views.ts';
import type { MembershipModel } from './membership.model.ts';

export interface Contacts {
  /** Which of the others are contacts of somebody, and of which of them they are one. */
  contactsAmong(userId: Id, others: readonly Id[]): Promise<ContactsAmong>;
  /** Somebody has opened their private chat with the other one, which may have been there. */
  noteOpened(chatId: Id, userId: Id, withUserId: Id): Promise<void>;
  /** These have written to these chats, and it is stored that they have. Never rejects. */
  noteWritten(written: readonly Written[]): Promise<void>;
}

export interface ContactsAmong {
  contacts: ReadonlySet<Id>;
  contactOf: ReadonlySet<Id>;
}

export interface Written {
  chatId: Id;
  userId: Id;
}

export interface ContactsParts {
  chats: ChatModel;
  memberships: MembershipModel;
  history: Pick<ChatHistory, 'sendersSince'>;
  access: Pick<ChatAccess, 'isFirstWriting'>;
  /** The other one is a contact of somebody, and may not have been before. */
  onContact: (userId: Id, contactId: Id) => void;
  onError: (error: unknown) => void;
}

export function createContacts({ chats, memberships, history, access, onContact, onError }: ContactsParts): Contacts {
  return {
    async contactsAmong(userId, others) {
      // Heads before memberships: what is written behind is vouched for by a head that has come far enough (see chat.heads).
      const documents = await chats.find({ pairKey: { $in: others.map((other) => pairKeyOf(userId, other)) } }, { pairKey: 1, head: 1 }).lean();
      const pairs = documents.flatMap(({ _id, pairKey, head }) => {
        const other = otherOf(userId, pairKey);
        return other === undefined ? [] : [{ chatId: _id.toHexString(), other, seq: head.seq }];
      });
      const rows = await memberships.find({ chatId: { $in: documents.map(({ _id }) => _id) } }, { chatId: 1, userId: 1, engaged: 1 }).lean();
      const engaged = new Set(rows.flatMap((row) => (row.engaged ? [placeOf(row.chatId.toHexString(), row.userId.toHexString())] : [])));
      const open = pairs.filter(({ chatId, other }) => ![userId, other].every((id) => engaged.has(placeOf(chatId, id))));
      const sent = await history.sendersSince(open);
      const isEngaged = (chatId: Id, id: Id): boolean => engaged.has(placeOf(chatId, id)) || sent.get(chatId)?.has(id) === true;
      return {
        contacts: new Set(pairs.flatMap(({ chatId, other }) => (isEngaged(chatId, userId) ? [other] : []))),
        contactOf: new Set(pairs.flatMap(({ chatId, other }) => (isEngaged(chatId, other) ? [other] : []))),
      };
    },
    async noteOpened(chatId, userId, withUserId) {
      const { modifiedCount } = await memberships.updateOne({ chatId, userId, engaged: { $exists: false } }, { $set: { engaged: true } });
      if (modifiedCount > 0) onContact(userId, withUserId);
    },
    async noteWritten(written) {
      try {
        const first = written.filter(({ chatId, userId }) => access.isFirstWriting(userId, chatId));
        if (first.length === 0) return;
        const documents = await withDeadline(chats.find({ _id: { $in: first.map(({ chatId }) => chatId) } }, { pairKey: 1 }).lean().exec(), storePatience);
        const pairKeys = new Map(documents.map(({ _id, pairKey }) => [_id.toHexString(), pairKey]));
        for (const { chatId, userId } of first) {
          const other = otherOf(userId, pairKeys.get(chatId));
          if (other !== undefined) onContact(userId, other);
        }
      } catch (error) {
        onError(error);
      }
    },
  };
}

const placeOf = (chatId: Id, userId: Id): string => chatId + userId;
