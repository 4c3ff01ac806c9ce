/** A look at every chat, some at a time, for those whose log has gone on and is not in the index: after a crash, of whichever process. */
import type { Place } from '../../core/message.ts';
import type { Id } from '../../core/schemas.ts';
import { isReached, placeOf, type Filling } from './search.filling.ts';
import type { SearchQueue } from './search.queue.ts';

/** What there is to be surveyed. */
export interface Surveyed {
  /** The next of all chats by ascending id. */
  idsAfter(chatId: Id | undefined, limit: number): Promise<Id[]>;
  /** Where the log of each stands: one step in an index, however long it is. */
  heads(chatIds: readonly Id[]): Promise<ReadonlyMap<Id, { place: Place }>>;
}

export interface SurveyParts {
  surveyed: Surveyed;
  filling: Filling;
  queue: Pick<SearchQueue, 'add'>;
}

/** Looked at together. */
const pageSize = 200;

/** Looks at the chats after this one, and puts what is behind into the queue. Gives how many they were, and the last unless it was the last of all. */
export async function surveyPage({ surveyed, filling, queue }: SurveyParts, after: Id | undefined): Promise<{ count: number; last: Id | undefined }> {
  const chatIds = await surveyed.idsAfter(after, pageSize);
  const places = await filling.placesOf(chatIds);
  for (const [chatId, { place }] of await surveyed.heads(chatIds)) {
    if (!isReached(placeOf(chatId, places), place)) queue.add(chatId, place);
  }
  return { count: chatIds.length, last: chatIds.length === pageSize ? chatIds.at(-1) : undefined };
}
