/** The removal of an account survives the death of the server: the next start completes it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { connect } from '../helpers/app.ts';
import { register, request, type Account } from '../helpers/accounts.ts';
import { serverHome, type ServerHome } from '../helpers/process.ts';
import { until } from '../helpers/until.ts';

interface Listed {
  senderId: string;
  rev?: number;
  text?: string;
}

const count = 300;

async function messagesOf(home: ServerHome, chatId: string, reader: Account): Promise<Listed[]> {
  const items: Listed[] = [];
  for (let more = true; more; ) {
    const page = await request(home, `/message?chatId=${chatId}&limit=100&after=${items.length}`, reader.token);
    items.push(...(page['items'] as Listed[]));
    more = page['more'] as boolean;
  }
  return items;
}

test(`the server is killed in the middle of removing ${count} messages: the next start removes the rest, and everything else of the account`, async (t) => {
  const home = await serverHome(t);
  let server = await home.start();
  const [ann, bob] = await Promise.all([register(home, 'ann'), register(home, 'bob')]);
  const { id } = await request(home, '/chat', ann.token, { userId: bob.id });
  const chatId = id as string;
  await Promise.all(Array.from({ length: count }, (_, index) => request(home, '/message', ann.token, { chatId, text: `number ${index}` })));
  await request(home, '/message', bob.token, { chatId, text: 'answer' });

  const headers = { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${home.url}/user/me`, { method: 'DELETE', headers, body: JSON.stringify({ password: 'correct horse', messages: 'remove' }) });
  assert.equal(answer.status, 204);
  const leftOf = async (): Promise<number> => (await messagesOf(home, chatId, bob)).filter(({ senderId, text }) => senderId === ann.id && text !== undefined).length;
  await until('the removal has begun', async () => (await leftOf()) < count);
  assert.equal(await server.kill('SIGKILL'), 'SIGKILL');

  const connection = await connect(t, `mongodb://${encodeURIComponent(join(home.dataDir, 'mongod.sock'))}/parley`);
  const stayed = await connection.collection('messages').countDocuments({ text: { $exists: true }, senderId: new Types.ObjectId(ann.id) });
  assert.ok(stayed > 0, 'it was killed in the middle of it');
  // So long ago that nothing can be under way any more.
  const user = { _id: new Types.ObjectId(ann.id) };
  await connection.collection('users').updateOne(user, { $set: { 'removal.startedAt': new Date(Date.now() - 2 * 60_000) } });
  server = await home.start();
  await until('the removal is complete', async () => (await connection.collection('users').findOne(user))?.['removal'] === undefined, 60_000);

  const messages = await messagesOf(home, chatId, bob);
  const theirs = messages.filter(({ senderId }) => senderId === ann.id);
  assert.deepEqual(theirs.map(({ text }) => text), theirs.map(() => undefined));
  assert.deepEqual(theirs.map(({ rev = 0 }) => rev).sort((a, b) => a - b), Array.from({ length: count }, (_, index) => index + 1));
  assert.deepEqual(messages.filter(({ senderId }) => senderId === bob.id).map(({ text, rev }) => [text, rev]), [['answer', undefined]]);
  for (const name of ['sessions', 'security', 'tokens']) assert.equal(await connection.collection(name).countDocuments({ userId: user._id }), 0, name);
  assert.equal((await fetch(`${home.url}/user/me`, { headers })).status, 401);
  await connection.close();
  assert.equal(await server.kill('SIGTERM'), 0);
});
