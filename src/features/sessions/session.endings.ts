/**
 * Ends of sessions that a change of credentials brings about. The change itself notes that they are due, in one write, so
 * whatever fails or dies afterwards, they are ended: at the latest by the next look at the notes.
 */
import type { Id } from '../../core/schemas.ts';
import type { CredentialsService, NotedEnding } from '../users/credentials.service.ts';

export interface SessionEndings {
  /** Ends what is noted for a person. */
  endNoted(userId: Id): Promise<void>;
  /** Looks for notes that were left behind, now and every minute. */
  start(): void;
  stop(): void;
}

export interface SessionEndingsParts {
  credentials: Pick<CredentialsService, 'findEndings' | 'completeEnding'>;
  /** Ends the sessions of a person that were opened before, but one. */
  endBefore: (ending: NotedEnding) => Promise<void>;
  onError: (error: unknown) => void;
}

/** Milliseconds between two looks. */
const interval = 60_000;

export function createSessionEndings({ credentials, endBefore, onError }: SessionEndingsParts): SessionEndings {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const endAllNoted = async (userId?: Id): Promise<void> => {
    for (const ending of await credentials.findEndings(userId)) {
      await endBefore(ending);
      await credentials.completeEnding(ending);
    }
  };
  const look = (): void => void endAllNoted().catch((error: unknown) => {
    if (!stopped) onError(error);
  });
  return {
    endNoted: endAllNoted,
    start() {
      look();
      timer = setInterval(look, interval).unref();
    },
    stop() {
      stopped = true;
      clearInterval(timer);
    },
  };
}
