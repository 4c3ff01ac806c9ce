/** The chats whose logs have gone on, and where they are known to have come. Bounded: what finds no room is found again by a look at every chat. */
import type { Place } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import { beginning, isReached, type Filling } from './search.filling.ts';

export interface SearchQueue {
  /** What others wait for: a message was stored or changed. */
  note(chatId: Id, place: Place): void;
  /** What was found to be behind: has every fourth turn, and all of them when nothing else is there. */
  add(chatId: Id, place: Place): void;
  /** The chats whose turn it is, until they are removed. None, if it is the turn of what is behind, and nothing is known to be. */
  next(): Map<Id, Place>;
  /** So far this chat has come. It is done, unless more is known of it; and if that is much, others come first. */
  reached(chatId: Id, place: Place): void;
  isEmpty(): boolean;
  /** True, once, if there was no room for a note. */
  takeOverflow(): boolean;
}

/** Chats that are remembered; a hundred bytes each. */
const room = 10_000;
/** Chats at once. */
const most = 32;
/** Messages, of one chat. */
const much = 500;
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
    note: (chatId, place) => put(noted, chatId, place),
    add: (chatId, place) => put(late, chatId, place),
    next() {
      turn = (turn + 1) % turns;
      const queue = noted.size === 0 || turn === 0 ? late : noted;
      const chats = [...queue].slice(0, most);
      const [first] = chats;
      // It may take all there is room for: the next time it comes last.
      if (first && queue.delete(first[0])) queue.set(...first);
      return new Map(chats);
    },
    reached(chatId, place) {
      for (const queue of [noted, late]) {
        const end = queue.get(chatId);
        if (!end) continue;
        if (isReached(place, end)) queue.delete(chatId);
        else if (queue === noted && end.seq - place.seq > much) {
          put(late, chatId, end);
          noted.delete(chatId);
        }
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

/** One step of filling, for the chats that come next. False if there are none. */
export async function fillNext(filling: Filling, queue: SearchQueue): Promise<boolean> {
  const ends = queue.next();
  if (ends.size === 0) return false;
  const places = await filling.fill(ends);
  for (const chatId of ends.keys()) queue.reached(chatId, places.get(chatId) ?? beginning);
  return true;
}
