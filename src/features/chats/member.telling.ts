/** How those who share chats with somebody hear of what has changed about them: their profile, and whether they tell how far they read. */
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import type { NoteUser, TellOfUser, UsersService } from '../users/users.service.ts';
import type { Id } from '../../core/schemas.ts';
import type { ChatMarks } from './chat.marks.ts';
import type { ChatModel } from './chat.model.ts';
import type { Views } from './chat.views.ts';
import type { chatsContract } from './chats.contract.ts';
import { chatIdsOf, isIn, type MembershipModel } from './membership.model.ts';

export interface MemberTellingParts {
  chats: ChatModel;
  memberships: MembershipModel;
  users: UsersService;
  views: Views;
  marks: Pick<ChatMarks, 'tellRead'>;
  bus: Bus<EventOf<typeof chatsContract>>;
}

/** Each sync looks back behind the one before, so it may be noted shortly before it is so. */
export const createMemberNoting =
  ({ chats, memberships, users, views }: Omit<MemberTellingParts, 'marks' | 'bus'>): NoteUser =>
  async (userId, { profile, receipts, ceases }) => {
    if (!profile && !receipts) return;
    // Whoever does not tell, and says so once more, has read on since.
    if (ceases && (await users.findUsers([userId])).get(userId)?.readReceipts) await keepReceived({ chats, memberships, views }, userId);
    await note(memberships, userId, receipts);
  };

const note = (memberships: MembershipModel, userId: Id, receipts: boolean): Promise<unknown> =>
  memberships.updateMany({ userId, ...isIn }, { $currentDate: { changedAt: true, ...(receipts && { receiptsAt: true }) } }).exec();

/** First so that a sync finds it, then to those who are connected. */
export function createMemberTelling({ chats, memberships, users, views, marks, bus }: MemberTellingParts): TellOfUser {
  return async (userId, { profile, receipts }) => {
    if (!profile && !receipts) return;
    await note(memberships, userId, receipts);
    const person = (await users.findUsers([userId])).get(userId);
    // Also chats that they do not see for they block the other one, who sees them.
    const mine = await chatIdsOf(memberships, userId);
    const heard = mine.filter((id) => bus.isHeard(`chat:${String(id)}`));
    if (!person || heard.length === 0) return;
    // What is being told of how far they read is told before they take it back.
    if (receipts) await marks.tellRead(userId, {});
    // Heads before marks.
    const telling = receipts && person.readReceipts;
    const documents = telling ? await chats.find({ _id: { $in: heard } }, { head: 1 }).lean() : [];
    const rows = await memberships.find({ chatId: { $in: heard }, userId }).lean();
    for (const { chatId, deliveredSeq, joinedSeq } of rows) {
      const [id, { user }] = [chatId.toHexString(), person];
      // What they read from now on is told by nothing, also not by what has reached them.
      const received = person.readReceipts ? {} : { deliveredSeq: Math.max(joinedSeq, deliveredSeq) };
      bus.publish(`chat:${id}`, { name: 'member.updated', payload: { chatId: id, user, ...received } }, { only: (one) => one !== userId });
      bus.publish(`chat:${id}`, { name: 'member.updated', payload: { chatId: id, user } }, { only: (one) => one === userId });
    }
    if (!telling) return;
    const members = await views.toMembers(userId, documents, rows);
    await marks.tellRead(userId, Object.fromEntries([...members].map(([id, [member]]) => [id, member?.readSeq ?? 0])));
  };
}

/** They are told no more to have read it; that it has reached them stays, for what has does not go back. */
async function keepReceived({ chats, memberships, views }: Pick<MemberTellingParts, 'chats' | 'memberships' | 'views'>, userId: Id): Promise<void> {
  // Heads before marks.
  const documents = await chats.find({ _id: { $in: await chatIdsOf(memberships, userId) } }, { head: 1 }).lean();
  const rows = await memberships.find({ userId, ...isIn }).lean();
  const members = await views.toMembers(userId, documents, rows);
  const updates = rows.flatMap(({ _id, chatId, deliveredSeq }) => {
    const [own] = members.get(chatId.toHexString()) ?? [];
    return own && own.deliveredSeq > deliveredSeq ? [{ updateOne: { filter: { _id }, update: { $max: { deliveredSeq: own.deliveredSeq } } } }] : [];
  });
  if (updates.length > 0) await memberships.bulkWrite(updates, { ordered: false });
}
