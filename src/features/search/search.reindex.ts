/** Builds the index of words anew from the log, while servers run or not: nothing is taken away, everything written once more. */
import type { Filling } from './search.filling.ts';
import { createSearchQueue, fillNext } from './search.queue.ts';
import { surveyPage, type Surveyed } from './search.survey.ts';

export interface ReindexParts {
  filling: Filling;
  surveyed: Surveyed;
  /** So many chats are done. */
  onProgress: (chats: number) => void;
}

/** Broken off, it has lost nothing: the servers go on where it stopped. */
export async function reindex({ filling, surveyed, onProgress }: ReindexParts): Promise<void> {
  await filling.beginAnew();
  const queue = createSearchQueue();
  let chats = 0;
  let after: string | undefined;
  do {
    const { count, last } = await surveyPage({ surveyed, filling, queue }, after);
    while (!queue.isEmpty()) await fillNext(filling, queue);
    after = last;
    chats += count;
    onProgress(chats);
  } while (after !== undefined);
}
