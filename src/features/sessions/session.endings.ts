/**
 * Ends of sessions that a change of credentials brings about. The change itself notes that they are due, in one write, so
 * whatever fails or dies afterwards, they are ended: at the latest by the next look at the notes, in any process.
 */
import { storePatience, withDeadline } from '../../core/deadline.ts';
import { repeat, type Repeated } from '../../core/repeat.ts';
import type { Id } from '../../core/schemas.ts';
import type { CredentialsService, NotedEnding } from '../users/credentials.service.ts';

export interface SessionEndings {
  /** Ends what is noted for a person. */
  endNoted(userId: Id): Promise<void>;
  /** Looks for notes that were left behind, twice a second. */
  start(): void;
  stop(): void;
}

export interface SessionEndingsParts {
  credentials: Pick<CredentialsService, 'findEndings' | 'completeEnding'>;
  /** Ends the sessions of a person that were opened before, but one. */
  endBefore: (ending: NotedEnding) => Promise<void>;
  onError: (error: unknown) => void;
}

/** Milliseconds between two looks: if whoever noted an end has died, the sessions are over all the same within a second. */
const interval = 500;

export function createSessionEndings({ credentials, endBefore, onError }: SessionEndingsParts): SessionEndings {
  const endNoted = async (userId?: Id): Promise<void> => {
    for (const ending of await credentials.findEndings(userId)) {
      await endBefore(ending);
      await credentials.completeEnding(ending);
    }
  };
  let looking: Repeated | undefined;
  return {
    endNoted,
    start: () => void (looking = repeat(() => withDeadline(endNoted(), storePatience), interval, onError)),
    stop: () => looking?.stop(),
  };
}
