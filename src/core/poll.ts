/** What any process has written down, found by every other within half a second: documents that MongoDB's own clock has dated. */
import { storePatience, withDeadline } from './deadline.ts';
import { repeat, type Repeated } from './repeat.ts';

export interface Dated<T> {
  key: string;
  at: Date;
  value: T;
}

export interface PollOptions<T> {
  /** Where the first look begins. */
  begin: () => Promise<Date>;
  /** What is dated at this time or later, oldest first. */
  read: (since: Date) => Promise<readonly Dated<T>[]>;
  /** Called for each once, and again when it is dated anew; also again if it fails. */
  onFound: (value: T) => void | Promise<void>;
  onError: (error: unknown) => void;
}

/** Milliseconds between two looks: a socket has to be closed within a second. */
const interval = 500;

/** Milliseconds by which a look reaches back: what was dated before the last one may become visible after it, and the clock of a MongoDB that takes over may be behind. */
const overlap = 10_000;

/** Looks again and again; a store that does not answer is looked at again. */
export function poll<T>({ begin, read, onFound, onError }: PollOptions<T>): Repeated {
  let newest: Date | undefined;
  // At once: what is dated before the first look would move the beginning past what a crash has left.
  const begun = withDeadline(begin(), storePatience).catch(() => undefined);
  let known = new Map<string, number>();

  const look = async (): Promise<void> => {
    newest ??= (await begun) ?? (await withDeadline(begin(), storePatience));
    const found = await withDeadline(read(new Date(newest.getTime() - overlap)), storePatience);
    const before = known;
    // What is not among them any more is too old to be found again.
    known = new Map();
    let failed = false;
    for (const { key, at, value } of found) {
      try {
        if (before.get(key) !== at.getTime()) await onFound(value);
        known.set(key, at.getTime());
        if (!failed) newest = at;
      } catch (error) {
        failed = true;
        onError(error);
      }
    }
  };
  return repeat(look, interval, onError);
}
