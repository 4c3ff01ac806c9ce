/** Nothing acknowledged is ever lost: the server, and its MongoDB, are killed in the middle of a load. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { register, request, requireWhole, type Account } from '../helpers/accounts.ts';
import { serverHome, type ServerHome } from '../helpers/process.ts';
import { startSpeaking, type Speaker } from '../helpers/speaker.ts';

const rounds = 10;

/** Two people with a chat, both speaking. */
async function startLoad(t: TestContext, home: ServerHome): Promise<{ chatId: string; reader: Account; speakers: Speaker[] }> {
  const [ann, bob] = await Promise.all([register(home, 'ann'), register(home, 'bob')]);
  const { id } = await request(home, '/chat', ann.token, { userId: bob.id });
  const chatId = id as string;
  return { chatId, reader: ann, speakers: [ann, bob].map(({ token }) => startSpeaking(t, home.url, token, chatId)) };
}

test(`the server is killed ${rounds} times under load: nothing acknowledged is lost, nothing is there twice, order is kept`, async (t) => {
  const home = await serverHome(t);
  let server = await home.start();
  const { chatId, reader, speakers } = await startLoad(t, home);
  for (let round = 0; round < rounds; round++) {
    await Promise.all(speakers.map((speaker) => speaker.acknowledges(20)));
    assert.equal(await server.kill('SIGKILL'), 'SIGKILL');
    server = await home.start();
  }
  await Promise.all(speakers.map((speaker) => speaker.finish()));
  await requireWhole(home, chatId, reader, speakers);
});

test(`MongoDB is killed ${rounds} times under load: nothing acknowledged is lost, nothing is there twice, order is kept`, async (t) => {
  const home = await serverHome(t);
  await home.start();
  const { chatId, reader, speakers } = await startLoad(t, home);
  for (let round = 0; round < rounds; round++) {
    await Promise.all(speakers.map((speaker) => speaker.acknowledges(20)));
    process.kill(await home.mongodPid(), 'SIGKILL');
  }
  await Promise.all(speakers.map((speaker) => speaker.finish()));
  await requireWhole(home, chatId, reader, speakers);
});
