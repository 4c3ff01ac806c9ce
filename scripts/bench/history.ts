/** Two chats that differ in nothing but their length, and what a reader asks of each. */
import { connectMongo } from '../../src/plugins/mongo.ts';
import { editedEach, fill } from './filling.ts';
import type { Server } from './parley.ts';
import { signUpCouple, type Couple } from './people.ts';
import type { Questions } from './reading.ts';

/** How many messages each has, as powers of ten. */
const exponents = [3, 6];

const page = 50;

export async function prepareHistory({ origin, storeUri }: Server): Promise<Questions> {
  const connection = await connectMongo(storeUri);
  const questions: Questions = {};
  for (const exponent of exponents) {
    const couple = await signUpCouple(origin, `history${exponent}`);
    const { chatId, sender, receiver } = couple;
    await fill(connection, { chatId, senderIds: [sender.id, receiver.id], seq: 0 }, 10 ** exponent);
    Object.assign(questions, questionsAbout(couple, exponent));
  }
  await connection.close();
  return questions;
}

function questionsAbout({ chatId, receiver: asker }: Couple, exponent: number): Questions {
  const length = 10 ** exponent;
  const place = { seq: length - page, rev: length / editedEach - 2 };
  return {
    [`history.newest.${exponent}`]: { asker, series: [[{ method: 'messages.list', params: { chatId, limit: page } }]] },
    [`history.middle.${exponent}`]: { asker, series: [[{ method: 'messages.list', params: { chatId, limit: page, before: length / 2 } }]] },
    [`history.sync.${exponent}`]: { asker, series: [[{ method: 'messages.sync', params: { chats: { [chatId]: place } } }]] },
  };
}
