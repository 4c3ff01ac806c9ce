/** All chats there are, some at a time: for what goes through every one of them. */
import { Types } from 'mongoose';
import type { Id } from '../../core/schemas.ts';
import type { ChatModel } from './chat.model.ts';

/** The next ones after this, by ascending id. */
export async function chatIdsAfter(chats: ChatModel, chatId: Id | undefined, limit: number): Promise<Id[]> {
  const filter = chatId === undefined ? {} : { _id: { $gt: new Types.ObjectId(chatId) } };
  const found = await chats.collection.find(filter, { projection: { _id: 1 } }).sort({ _id: 1 }).limit(limit).toArray();
  return found.map(({ _id }) => _id.toHexString());
}
