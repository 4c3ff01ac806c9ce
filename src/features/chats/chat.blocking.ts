/**
 * What a block does to the private chat of the two. Whoever blocks sees nothing that comes, and cannot write; the other
 * one notices nothing: what they write is stored, and they alone see it.
 */
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import { withHidden, type SeqRange } from '../../core/view.ts';
import type { BlocksService } from '../blocks/blocks.service.ts';
import type { ChatAccess } from './chat.access.ts';
import { pairKeyOf, type ChatModel } from './chat.model.ts';
import type { OwnChange, OwnChanges, OwnPlace } from './chat.own.ts';
import { lastSeqOf, type ChatHistory } from './chat.views.ts';
import type { chatsContract } from './chats.contract.ts';
import { isIn, toView, type MembershipDocument, type MembershipModel } from './membership.model.ts';

export interface BlockingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  blocks: Pick<BlocksService, 'blocks'>;
  history: ChatHistory;
  access: Pick<ChatAccess, 'forget'>;
  own: Pick<OwnChanges, 'rewriteUnseen' | 'show'>;
  bus: Bus<EventOf<typeof chatsContract>>;
}

/** Sees to it that the private chat of two people, if there is one, is to the first what their block of the other says. */
export type ApplyBlock = (userId: Id, otherId: Id) => Promise<void>;

export function createBlocking({ chats, memberships, blocks, history, access, own, bus }: BlockingParts): ApplyBlock {
  const open = ({ userId, chatId }: OwnPlace, membership: Omit<MembershipDocument, 'blockedFrom'>): void => bus.join(userId, `chat:${chatId}`, toView(membership));
  const freeze = async (place: OwnPlace): Promise<void> => {
    const seq = await lastSeqOf(history, place.chatId);
    await own.rewriteUnseen(place, ({ blockedFrom }) => (blockedFrom === undefined ? { blockedFrom: seq + 1 } : undefined));
  };
  const thaw = async (place: OwnPlace, { blockedFrom: _ended, ...membership }: MembershipDocument): Promise<void> => {
    open(place, membership);
    const seq = await lastSeqOf(history, place.chatId);
    await own.rewriteUnseen(place, ({ blockedFrom, withheld = [] }) => (blockedFrom === undefined ? undefined : ending(blockedFrom, withheld, seq)));
  };

  return async (userId, otherId) => {
    const chat = await chats.findOne({ pairKey: pairKeyOf(userId, otherId) }, { _id: 1 }).lean();
    const membership = chat && (await memberships.findOne({ chatId: chat._id, userId, ...isIn }).lean());
    if (!membership) return;
    const place = { userId, chatId: chat._id.toHexString() };
    const isBlocked = await blocks.blocks(userId, otherId);
    if (isBlocked !== (membership.blockedFrom !== undefined)) await (isBlocked ? freeze(place) : thaw(place, membership));
    else if (membership.blockedFrom !== 0) {
      // Another process has done it.
      if (!isBlocked) open(place, membership);
      await own.show(place);
    }
    access.forget(place.chatId);
  };
}

/** What came meanwhile stays hidden. */
function ending(blockedFrom: number, withheld: readonly SeqRange[], seq: number): OwnChange {
  const from = Math.max(blockedFrom, 1);
  return { blockedFrom: null, ...(seq >= from && { withheld: withHidden(withheld, { from, to: seq }) }) };
}
