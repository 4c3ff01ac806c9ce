/** When people were last here, for the store: as they go, and now and then while they are here, for a crash tells of nobody that they go. */
import { storePatience, withDeadline } from '../../core/deadline.ts';
import type { Id } from '../../core/schemas.ts';
import type { UsersService } from '../users/users.service.ts';
import type { People } from './presence.people.ts';

export interface SeenParts {
  people: Pick<People<unknown>, 'here' | 'known' | 'leftAt'>;
  users: Pick<UsersService, 'noteSeen'>;
  onError: (error: unknown) => void;
}

export interface SeenWriter {
  /** Those who have gone. */
  write(ids: readonly Id[]): Promise<void>;
  /** The next part of those who are here. */
  writePart(): Promise<void>;
  /** Everybody who is here, or has gone and waits to be told of, before the server stops. */
  writeAll(): Promise<void>;
}

/** Parts of those who are here, by the last digit of their ids, which is as good as thrown by dice. */
const parts = '0123456789abcdef';

export function createSeenWriter({ people, users, onError }: SeenParts): SeenWriter {
  const unwritten = new Map<Id, Date>();
  let part = 0;
  const write = async (ids: Iterable<Id>): Promise<void> => {
    const now = new Date();
    for (const id of ids) unwritten.set(id, people.leftAt(id) ?? now);
    const written = new Map(unwritten);
    try {
      await withDeadline(users.noteSeen(written), storePatience);
      for (const [id, at] of written) if (unwritten.get(id) === at) unwritten.delete(id);
    } catch (error) {
      // They are written with the next ones.
      onError(error);
    }
  };

  return {
    write,
    async writePart() {
      part = (part + 1) % parts.length;
      const digit = parts.charAt(part);
      await write([...people.here()].filter((id) => id.endsWith(digit)));
    },
    writeAll: () => write(people.known()),
  };
}
