/** What people look for: words out of their messages that are worth looking for, the beginnings of such, several of them. */
import { Types, type Connection } from 'mongoose';
import { createRandom } from './search.words.ts';

export interface BenchQuery {
  kind: string;
  input: { search: string; chatId?: string };
}

/** Of each kind. */
const count = 30;
/** Letters of a word that somebody looks for; shorter ones stand in the list of common ones. */
const leastLetters = 5;
/** Words and beginnings that a twentieth of all messages has, or more. */
const common = ['и', 'не', 'the', 'что', 'п', 'пр', 'при', 'пере', 'you that', 'и не'];

/** The same ones at every run on the same messages, out of messages of these chats. */
export async function queriesOf(connection: Connection, chatIds: readonly string[]): Promise<BenchQuery[]> {
  const random = createRandom(2);
  const spoken: { chatId: string; words: string[] }[] = [];
  while (spoken.length < count) {
    const chatId = chatIds[Math.floor(random() * chatIds.length)] ?? '';
    const message = await connection.collection('messages').findOne({ chatId: new Types.ObjectId(chatId), seq: 1 + Math.floor(random() * 200) });
    const words = String(message?.['text']).split(' ').filter((word) => word.length >= leastLetters);
    if (words.length >= 2) spoken.push({ chatId, words });
  }
  const each = (kind: string, toInput: (words: readonly string[], chatId: string) => BenchQuery['input']): BenchQuery[] => spoken.map(({ words, chatId }) => ({ kind, input: toInput(words, chatId) }));
  return [
    ...each('one word', ([word = '']) => ({ search: word })),
    ...each('beginning of a word', ([word = '']) => ({ search: word.slice(0, Math.max(4, word.length - 2)) })),
    ...each('two words', ([one, other]) => ({ search: `${one ?? ''} ${other ?? ''}` })),
    ...each('one word in one chat', ([word = ''], chatId) => ({ search: word, chatId })),
    ...each('nothing to be found', ([word = '']) => ({ search: `${word}q` })),
    ...common.map((search) => ({ kind: 'common words', input: { search } })),
  ];
}
