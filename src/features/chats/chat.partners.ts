/** With whom people have private chats. Who of them are their contacts is another question (see chat.contacts). */
import { LRUCache } from 'lru-cache';
import { Types } from 'mongoose';
import { atMost } from '../../core/cache.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatDocument, ChatModel } from './chat.model.ts';
import { partnersAtMost } from './chats.contract.ts';
import { isTheirs, type MembershipModel } from './membership.model.ts';

export interface Partners {
  /** With whom somebody has private chats: all of them, or of very many those of the most recent. `pairs` are the chats, if they are known. */
  partnersOf(userId: Id, pairs?: readonly Id[]): Promise<Id[]>;
}

export interface PartnersParts {
  chats: ChatModel;
  memberships: MembershipModel;
}

/** In a private chat nobody has come in by a notice. Which it is the chat itself says; this spares most of the looking. */
export const isInPair = { ...isTheirs, joinedSeq: 0 } as const;

export function createPartners({ chats, memberships }: PartnersParts): Partners {
  const pairKeysOf = createPairKeys(chats);
  return {
    async partnersOf(userId, pairs) {
      const chatIds = pairs ?? (await memberships.find({ userId, ...isInPair }, { chatId: 1 }).lean()).map(({ chatId }) => chatId.toHexString());
      const pairKeys = await pairKeysOf(chatIds);
      return pairKeys.flatMap((pairKey) => otherOf(userId, pairKey) ?? []);
    },
  };
}

/** Who is in which private chat never changes: whoever connects again is spared the look into the store. */
function createPairKeys(chats: ChatModel): (chatIds: readonly Id[]) => Promise<string[]> {
  const remembered = new LRUCache<Id, string>(atMost(50_000));
  return async (chatIds) => {
    const isMany = chatIds.length > partnersAtMost;
    const unknown = isMany ? chatIds : chatIds.filter((id) => !remembered.has(id));
    if (unknown.length === 0) return chatIds.flatMap((id) => remembered.get(id) ?? []);
    // Through the driver: it is asked at every connect.
    const found = await chats.collection.find<ChatDocument>({ _id: { $in: unknown.map((id) => new Types.ObjectId(id)) } }, { projection: { pairKey: 1, ...(isMany && { head: 1 }) } }).toArray();
    if (isMany) return found.sort((a, b) => b.head.at.getTime() - a.head.at.getTime()).flatMap(({ pairKey }) => pairKey ?? []).slice(0, partnersAtMost);
    const made = new Map(found.map(({ _id, pairKey }) => [_id.toHexString(), pairKey] as const));
    for (const [id, pairKey] of made) if (pairKey !== undefined) remembered.set(id, pairKey);
    return chatIds.flatMap((id) => made.get(id) ?? remembered.get(id) ?? []);
  };
}

/** The other one of a private chat; nobody, where somebody keeps notes. */
export const otherOf = (userId: Id, pairKey = ''): Id | undefined => pairKey.split(':').find((id) => id !== userId && id !== '');
