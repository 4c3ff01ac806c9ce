/** One person in 500 chats, half of them groups, and what they ask when they come back. */
import pLimit from 'p-limit';
import { connectMongo } from '../../src/plugins/mongo.ts';
import { addPeople, fill, type EmptyChat } from './filling.ts';
import type { Request } from './jobs.ts';
import type { Server } from './parley.ts';
import { makeGroup, openChat, post, signUp, type Person } from './people.ts';
import type { Questions } from './reading.ts';

/** Of each kind. */
const chatCount = 250;

const messagesInEach = 10;

/** Members of each group besides the one who asks. */
const othersInEach = 4;

const limit = pLimit(8);

export async function prepareChats({ origin, storeUri }: Server): Promise<Questions> {
  const connection = await connectMongo(storeUri);
  const asker = await signUp(origin, 'busy');
  const others = await addPeople(connection, chatCount);
  const opened = others.map((_, index) => limit(() => openBoth(origin, asker, [...others.slice(index), ...others].slice(0, othersInEach))));
  const chats = (await Promise.all(opened)).flat();
  for (const chat of chats) await fill(connection, chat, messagesInEach);
  await connection.close();

  const everything = await catchUp(origin, asker, { places: {} });
  const nothing = await catchUp(origin, asker, everything.come);
  return {
    'chats.list': { asker, series: [[{ method: 'chats.list', params: { limit: 50 } }]] },
    'chats.nothing': { asker, series: [nothing.requests] },
    'chats.everything': { asker, series: [everything.requests] },
  };
}

/** A private chat with the first of the others, and a group with all of them. */
async function openBoth(origin: string, asker: Person, others: readonly string[]): Promise<EmptyChat[]> {
  const senderIds = [asker.id, others[0] ?? ''];
  return [
    { chatId: await openChat(origin, asker, senderIds[1] ?? ''), senderIds, seq: 0 },
    { chatId: await makeGroup(origin, asker, others), senderIds, seq: 1 },
  ];
}

/** How far a client has come. */
interface Come {
  places: Record<string, object>;
  cursor?: string;
}

/** The requests that a client makes, page after page, to come from there to the present. */
async function catchUp(origin: string, person: Person, from: Come): Promise<{ requests: Request[]; come: Come }> {
  const requests: Request[] = [];
  const come = { ...from, places: { ...from.places } };
  for (let more = true; more; ) {
    const params = { chats: { ...come.places }, ...(come.cursor !== undefined && { cursor: come.cursor }) };
    requests.push({ method: 'messages.sync', params });
    const answer = (await post(`${origin}/message/sync`, params, person)) as { chats: { chat: { id: string }; place: object }[]; more: boolean; cursor: string };
    for (const { chat, place } of answer.chats) come.places[chat.id] = place;
    come.cursor = answer.cursor;
    ({ more } = answer);
  }
  return { requests, come };
}
