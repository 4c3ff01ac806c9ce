/** How many websockets one person may have open: whoever goes on opening more takes no memory from the others. */
import type { Socket } from 'node:net';
import { AppError } from '../../core/errors.ts';
import type { Id } from '../../core/schemas.ts';

export interface Places {
  /** Takes one until the socket closes. @throws TOO_MANY_CONNECTIONS */
  take(userId: Id, socket: Socket): void;
}

/** Websockets of one person in this process. */
const maximum = 50;

export function createPlaces(): Places {
  const taken = new Map<Id, number>();
  return {
    take(userId, socket) {
      const before = taken.get(userId) ?? 0;
      if (before >= maximum) throw new AppError('TOO_MANY_CONNECTIONS', { maximum });
      taken.set(userId, before + 1);
      socket.on('close', () => giveBack(taken, userId));
    },
  };
}

function giveBack(taken: Map<Id, number>, userId: Id): void {
  const left = (taken.get(userId) ?? 0) - 1;
  if (left > 0) taken.set(userId, left);
  else taken.delete(userId);
}
