/** Which messages have a file, and who sees one of them. */
import { Types } from 'mongoose';
import type { Id } from '../../core/schemas.ts';
import { isVisible } from '../../core/view.ts';
import type { ChatsService } from '../chats/chats.service.ts';
import { byFile, type MessageCollection } from './message.model.ts';

export interface MessageFiles {
  /** Whether somebody sees a message that has this file. */
  seesFile(userId: Id, fileId: Id): Promise<boolean>;
  /** Whether any message has it. */
  hasFile(fileId: Id): Promise<boolean>;
}

/** Messages with one file in the chats of one person that are looked at: the same file may be sent again and again. */
const lookedAt = 1000;

export const createMessageFiles = (messages: MessageCollection, chats: Pick<ChatsService, 'chatsOf' | 'viewsOf'>): MessageFiles => ({
  async seesFile(userId, fileId) {
    const chatIds = await chats.chatsOf(userId);
    const where = { 'files.id': new Types.ObjectId(fileId), chatId: { $in: chatIds.map((id) => new Types.ObjectId(id)) } };
    const found = await messages.find(where, { projection: { _id: 0, chatId: 1, seq: 1 }, hint: byFile }).sort({ seq: -1 }).limit(lookedAt).toArray();
    const viewOf = await chats.viewsOf(userId, [...new Set(found.map(({ chatId }) => chatId.toHexString()))]);
    return found.some(({ chatId, seq }) => {
      const view = viewOf(chatId.toHexString());
      return view !== undefined && isVisible(view, seq);
    });
  },
  hasFile: async (fileId) => (await messages.findOne({ 'files.id': new Types.ObjectId(fileId) }, { projection: { _id: 1 }, hint: byFile })) !== null,
});
