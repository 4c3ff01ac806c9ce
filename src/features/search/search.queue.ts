/** The chats whose logs have gone on, and where they are known to have come. Bounded: what finds no room is found again by a look at every chat. */
import type { Place } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import { isReached, type Filling } from './search.filling.ts';
import { weighsMoreThan } from './search.words.ts';

export interface SearchQueue {
  /** What others wait for: a message was stored or changed. What comes in a chat that is behind, and a long text, waits with what is behind. */
  note(chatId: Id, place: Place, text?: string): void;
  /** What was found to be behind: has every fourth turn, and all of them when nothing else is there. */
  add(chatId: Id, place: Place): void;
  /** The chats whose turn it is, until they are removed. None, if it is the turn of what is behind, and nothing is known to be. */
  next(): Map<Id, Place>;
  /** So far this chat had come when it had its turn. It is done, unless more is known of it: then others come first, and if it is much, all that are not behind. */
  reached(chatId: Id, place: Place): void;
  isEmpty(): boolean;
  /** True, once, if there was no room for a note. */
  takeOverflow(): boolean;
}

/** Chats that are remembered; a hundred bytes each. */
const room = 10_000;
/** Chats at once. */
const most = 32;
/** Messages and changes of one chat: about what one step takes. */
const much = 64;
/** The weight of a text that others do not wait for. */
const long = 2000;
/** One turn in so many is for what is behind, however much is noted. */
const turns = 4;

export function createSearchQueue(): SearchQueue {
  const noted = new Map<Id, Place>();
  const late = new Map<Id, Place>();
  let overflown = false;
  let turn = 0;

  const put = (queue: Map<Id, Place>, chatId: Id, place: Place): void => {
    const known = queue.get(chatId);
    if (!known && queue.size >= room) overflown = true;
    else queue.set(chatId, known ? { seq: Math.max(known.seq, place.seq), rev: Math.max(known.rev, place.rev) } : place);
  };

  return {
    note: (chatId, place, text = '') => put(weighsMoreThan(long, text) || late.has(chatId) ? late : noted, chatId, place),
    add: (chatId, place) => put(late, chatId, place),
    next() {
      turn = (turn + 1) % turns;
      const queue = noted.size === 0 || turn === 0 ? late : noted;
      const chats = [...queue].slice(0, most);
      const [first] = chats;
      // Should it be what makes this step fail, the next one begins with another.
      if (first && queue.delete(first[0])) queue.set(...first);
      return new Map(chats);
    },
    reached(chatId, place) {
      for (const queue of [noted, late]) {
        const end = queue.get(chatId);
        if (!end) continue;
        queue.delete(chatId);
        if (!isReached(place, end)) put(waitingAt(place, end) > much ? late : queue, chatId, end);
      }
    },
    isEmpty: () => noted.size === 0 && late.size === 0,
    takeOverflow() {
      const was = overflown;
      overflown = false;
      return was;
    },
  };
}

const waitingAt = (place: Place, end: Place): number => end.seq - place.seq + end.rev - place.rev;

/** One step of filling, for the chats that come next. False if there are none. */
export async function fillNext(filling: Filling, queue: SearchQueue): Promise<boolean> {
  const ends = queue.next();
  if (ends.size === 0) return false;
  const places = await filling.fill(ends);
  for (const [chatId, place] of places) queue.reached(chatId, place);
  return true;
}
