/** How far a member has read: it never goes back, and only those are told who tell it of themselves. */
import { Types } from 'mongoose';
import type { Bus } from '../../core/bus.ts';
import type { EventOf } from '../../core/contract.ts';
import type { Id } from '../../core/schemas.ts';
import type { UsersService } from '../users/users.service.ts';
import type { ChatAccess } from './chat.access.ts';
import { tellEachOther, type ChatHistory } from './chat.views.ts';
import type { chatsContract } from './chats.contract.ts';
import type { ChatsService } from './chats.service.ts';
import { isIn, type MembershipModel } from './membership.model.ts';

export interface ReadingParts {
  memberships: MembershipModel;
  users: UsersService;
  history: ChatHistory;
  bus: Bus<EventOf<typeof chatsContract>>;
  access: Pick<ChatAccess, 'requireMember'>;
}

export function createReading({ memberships, users, history, bus, access }: ReadingParts): ChatsService['read'] {
  const tell = async (payload: { chatId: Id; userId: Id; readSeq: number }): Promise<void> => {
    const members = (await memberships.distinct('userId', { chatId: payload.chatId, ...isIn })).map((userId) => userId.toHexString());
    const people = await users.findUsers(members);
    const told = members.filter((id) => id === payload.userId || tellEachOther(people.get(id), people.get(payload.userId)));
    for (const id of told) bus.publish(`user:${id}`, { name: 'chat.read', payload });
  };

  return async (caller, { id, seq }) => {
    await access.requireMember(caller.userId, id);
    const head = (await history.heads([id])).get(id);
    const readSeq = Math.min(seq, head?.place.seq ?? 0);
    const filter = { chatId: new Types.ObjectId(id), userId: new Types.ObjectId(caller.userId), readSeq: { $lt: readSeq } };
    const { modifiedCount } = await memberships.collection.updateOne(filter, { $max: { readSeq }, $currentDate: { changedAt: true } });
    if (modifiedCount > 0) await tell({ chatId: id, userId: caller.userId, readSeq });
    return null;
  };
}
