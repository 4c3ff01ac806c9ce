/** Reading ahead while a client catches up: where chats have a few messages each, those of several come in one read. */
import type { Message, Place } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import type { SeenStretch } from './message.history.ts';

/** Messages at most on a stretch: the new ones, and changes of others. */
export const lengthOf = ({ from, to }: { from: Place; to: Place }): number => Math.max(0, to.seq - from.seq) + (from.seq > 0 ? Math.max(0, to.rev - from.rev) : 0);

/** Everything that is wanted of a chat, if that is little; the chats are asked for in the order of their stretches. */
export type ReadAhead = (chatId: Id) => Promise<readonly Message[] | undefined>;

export function createReadAhead(read: (stretches: readonly SeenStretch[]) => Promise<Map<Id, Message[]>>, wanted: readonly SeenStretch[], atOnce: number): ReadAhead {
  let known = new Map<Id, Message[]>();
  return async (chatId) => {
    if (!known.has(chatId)) {
      let room = atOnce;
      const start = wanted.findIndex((stretch) => stretch.chatId === chatId);
      const rest = wanted.slice(start);
      const end = rest.findIndex((stretch) => (room -= lengthOf(stretch)) < 0);
      known = await read(end < 0 ? rest : rest.slice(0, end));
    }
    return known.get(chatId);
  };
}
