/** With whom people have private chats: those are their contacts. */
import { Types } from 'mongoose';
import type { Id } from '../../core/schemas.ts';
import { pairKeyOf, type ChatModel } from './chat.model.ts';
import { isTheirs, type MembershipModel } from './membership.model.ts';

export interface Partners {
  /** With whom somebody has private chats: all of them, or of very many those of the most recent. `pairs` are the chats, if they are known. */
  partnersOf(userId: Id, pairs?: readonly Id[]): Promise<Id[]>;
  /** Those of the others with whom somebody has a private chat. */
  partnersAmong(userId: Id, others: readonly Id[]): Promise<Set<Id>>;
}

export interface PartnersParts {
  chats: ChatModel;
  memberships: MembershipModel;
}

const partnersAtMost = 200;

/** In a private chat nobody has come in by a notice. Which it is the chat itself says; this spares most of the looking. */
export const isInPair = { ...isTheirs, joinedSeq: 0 } as const;

export const createPartners = ({ chats, memberships }: PartnersParts): Partners => ({
  async partnersOf(userId, pairs) {
    const chatIds = pairs?.map((id) => new Types.ObjectId(id)) ?? (await memberships.find({ userId, ...isInPair }, { chatId: 1 }).lean()).map(({ chatId }) => chatId);
    if (chatIds.length === 0) return [];
    const found = await chats.find({ _id: { $in: chatIds } }, { pairKey: 1, head: 1 }).lean();
    if (found.length > partnersAtMost) found.sort((a, b) => b.head.at.getTime() - a.head.at.getTime());
    return found.flatMap(({ pairKey }) => otherOf(userId, pairKey) ?? []).slice(0, partnersAtMost);
  },
  async partnersAmong(userId, others) {
    const found = await chats.find({ pairKey: { $in: others.map((other) => pairKeyOf(userId, other)) } }, { pairKey: 1 }).lean();
    return new Set(found.flatMap(({ pairKey }) => otherOf(userId, pairKey) ?? []));
  },
});

const otherOf = (userId: Id, pairKey = ''): Id | undefined => pairKey.split(':').find((id) => id !== userId && id !== '');
