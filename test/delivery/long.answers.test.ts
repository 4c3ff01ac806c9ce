/** A long absence among long messages: the answers are short, and together they are everything, once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message, Place } from '../../src/core/message.ts';
import { buildTestApp } from '../helpers/app.ts';
import type { Output, Person } from '../helpers/people.ts';

/** 32 KB of UTF-8, the longest there is. */
const longText = '🐘'.repeat(8000);
const largestAnswer = 2_100_000;

/** Everything that sync has to say beyond the places, which are moved along. */
async function syncAll(person: Person, places: Record<string, Place>): Promise<{ messages: Message[]; answers: number }> {
  const socket = await person.socket();
  const messages: Message[] = [];
  let answers = 0;
  for (let more = true, cursor: string | undefined; more; answers++) {
    const answer = (await socket.call('messages.sync', { chats: places, limit: 500, ...(cursor !== undefined && { cursor }) })) as Output<'messages.sync'>;
    const taken = answer.chats.flatMap((synced) => synced.messages);
    assert.ok(taken.length > 0, 'an answer that leaves something out has something in it');
    assert.ok(Buffer.byteLength(JSON.stringify(answer)) < largestAnswer);
    for (const { chat, place } of answer.chats) places[chat.id] = place;
    messages.push(...taken);
    ({ more, cursor } = answer);
  }
  return { messages, answers };
}

const namesOf = (messages: readonly Message[]): string[] => messages.map(({ chatId, seq }) => `${chatId} ${seq}`);

test('an answer of sync ends at about a megabyte, and the next ones bring the rest: every message and every change once', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  const others = await Promise.all([person('Bob'), person('Cleo')]);
  const sent = await Promise.all(others.flatMap(({ id: to }) => Array.from({ length: 80 }, () => ann.call('messages.send', { to, text: longText }))));
  const places: Record<string, Place> = {};
  const first = await syncAll(ann, places);
  assert.deepEqual(namesOf(first.messages).sort(), namesOf(sent).sort());
  assert.ok(first.answers >= 5, String(first.answers));

  const edited = sent.filter((_, index) => index % 2 === 0);
  for (const { id } of edited) await ann.call('messages.edit', { id, text: `${longText.slice(2)}!` });
  const fresh = await Promise.all(others.map(({ id: to }) => ann.call('messages.send', { to, text: 'the last' })));
  const second = await syncAll(ann, places);
  assert.deepEqual(namesOf(second.messages).sort(), namesOf([...edited, ...fresh]).sort());
  assert.ok(second.answers >= 3, String(second.answers));
  assert.deepEqual(Object.values(places), others.map(() => ({ seq: 81, rev: 40 })));
});

test('short messages come as many at once as were asked for', async (t) => {
  const { person } = await buildTestApp(t);
  const ann = await person('Ann');
  await Promise.all(Array.from({ length: 300 }, () => ann.call('messages.send', { to: ann.id, text: 'short' })));
  const { chats, more } = await ann.call('messages.sync', { limit: 299 });
  assert.deepEqual([chats[0]?.messages.map(({ seq }) => seq), chats[0]?.place, more], [Array.from({ length: 299 }, (_, index) => index + 1), { seq: 299, rev: 0 }, true]);
});
