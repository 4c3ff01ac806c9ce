/** What people look for: words out of their messages that are worth looking for, the beginnings of such, several of them. */
import { Types, type Connection } from 'mongoose';
import { createRandom } from './search.words.ts';

export interface Query {
  params: { search: string; chatId?: string };
  /** There is a message that has it. */
  isThere: boolean;
}

/** Of each kind. */
const count = 30;
/** Letters of a word that somebody looks for; shorter ones stand in the list of common ones. */
const leastLetters = 5;
/** Words and beginnings that a twentieth of all messages has, or more. */
const common = ['и', 'не', 'the', 'что', 'п', 'пр', 'при', 'пере', 'you that', 'и не'];

/** The same ones at every run on the same messages, out of messages of these chats. */
export async function queriesOf(connection: Connection, chatIds: readonly string[]): Promise<Query[]> {
  const random = createRandom(2);
  const spoken: { chatId: string; words: string[] }[] = [];
  while (spoken.length < count) {
    const chatId = chatIds[Math.floor(random() * chatIds.length)] ?? '';
    const message = await connection.collection('messages').findOne({ chatId: new Types.ObjectId(chatId), seq: 1 + Math.floor(random() * 200) });
    const words = String(message?.['text']).split(' ').filter((word) => word.length >= leastLetters);
    if (words.length >= 2) spoken.push({ chatId, words });
  }
  const said = spoken.flatMap(({ words: [one = '', other = ''], chatId }) => [
    { search: one },
    { search: one.slice(0, Math.max(4, one.length - 2)) },
    { search: `${one} ${other}` },
    { search: one, chatId },
  ]);
  const unsaid = spoken.map(({ words: [word = ''] }) => ({ search: `${word}q` }));
  return [
    ...[...said, ...common.map((search) => ({ search }))].map((params) => ({ params, isThere: true })),
    ...unsaid.map((params) => ({ params, isThere: false })),
  ];
}
