/** The pulse of presence: what has gathered since the last round is written and told. */
import type { Clock } from '../../core/buckets.ts';
import type { Bus } from '../../core/bus.ts';
import type { Id } from '../../core/schemas.ts';
import type { People } from './presence.people.ts';
import type { SeenWriter } from './presence.seen.ts';
import type { Typing, TypingNews } from './presence.typing.ts';

export interface RoundsParts {
  people: Pick<People<unknown>, 'takeDue' | 'isHere'>;
  typing: Pick<Typing, 'takeDue'>;
  seen: SeenWriter;
  tell: (ids: readonly Id[]) => Promise<void>;
  tellTyping: (news: TypingNews) => Promise<void>;
  bus: Pick<Bus, 'isPressed'>;
  now: Clock;
  /** Milliseconds between two rounds. */
  interval: number;
}

export interface Rounds {
  start(): void;
  stop(): Promise<void>;
}

/** People of whom is told at once: of more, in a stampede, a little later. */
const atOnce = 500;

/** Rounds between two parts of those who are here being written: everybody is within two minutes. */
const roundsPerPart = 30;

export function createRounds({ people, typing, seen, tell, tellTyping, bus, now, interval }: RoundsParts): Rounds {
  let underWay: Promise<unknown> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let rounds = 0;

  const tellOfPeople = async (): Promise<void> => {
    const due = people.takeDue(now());
    await seen.write(due.filter((id) => !people.isHere(id)));
    for (let from = 0; from < due.length; from += atOnce) await tell(due.slice(from, from + atOnce));
  };
  const beat = (): void => {
    for (const news of typing.takeDue(now())) void tellTyping(news);
    rounds += 1;
    if (rounds % roundsPerPart === 0) void seen.writePart();
    // What waits here is not lost: it is told as it is by then.
    if (underWay || bus.isPressed('presence')) return;
    underWay = tellOfPeople().finally(() => (underWay = undefined));
  };

  return {
    start() {
      timer = setInterval(beat, interval).unref();
    },
    async stop() {
      clearInterval(timer);
      await Promise.all([underWay, seen.writeAll()]);
    },
  };
}
