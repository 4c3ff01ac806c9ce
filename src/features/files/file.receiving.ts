/** How a file comes to be kept: room is held for it, it comes in, it is looked at, and then it is there, or nothing of it is. */
import { withDeadline } from '../../core/deadline.ts';
import type { FileInfo } from '../../core/file.ts';
import type { Incoming, Spool } from '../../core/media.ts';
import type { Id } from '../../core/schemas.ts';
import type { Hold } from './file.holding.ts';
import { letGo, settle, type SettlingParts } from './file.settling.ts';

export interface ReceivingParts extends SettlingParts {
  spool: Spool;
  hold: Hold;
  onError: (error: unknown) => void;
}

/** Bytes that a request takes besides the file it brings. */
const wrapping = 64 * 1024;

/** Milliseconds for files that are on their way when the server stops. */
const closing = 1500;

/** @throws FILE_TOO_LARGE, FILE_EMPTY, IMAGE_UNFIT, QUOTA_EXCEEDED, DISK_FULL, MEDIA_UNAVAILABLE, BUSY, and what the content fails with */
export type Receive = (ownerId: Id, file: Incoming) => Promise<FileInfo>;

export interface Receiving {
  receive: Receive;
  /** Waits until nothing is left of what was broken off; its connections are closed by then. */
  stop(): Promise<void>;
}

export function createReceiving(parts: ReceivingParts): Receiving {
  const receive = createReceive(parts);
  const underWay = new Set<Promise<unknown>>();
  return {
    async receive(ownerId, file) {
      const work = receive(ownerId, file);
      underWay.add(work);
      try {
        return await work;
      } finally {
        underWay.delete(work);
      }
    },
    stop: async () => withDeadline(Promise.allSettled(underWay), closing).then(() => undefined, () => undefined),
  };
}

function createReceive(parts: ReceivingParts): Receive {
  const { spool, hold } = parts;

  return async (ownerId, { name, content, announced = Infinity, maximum }) => {
    const room = await hold(ownerId, { name, least: Number.isFinite(announced) ? announced - wrapping : 0, most: announced, maximum });
    try {
      const spooled = await spool.take(content, room.limit);
      if (!spooled) throw room.refusal;
      try {
        return await settle(parts, room.document, spooled);
      } finally {
        await spooled.drop();
      }
    } catch (error) {
      await letGo(parts, room.document._id).catch(parts.onError);
      throw error;
    }
  };
}

