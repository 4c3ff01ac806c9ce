/** A MongoDB that does not answer: nobody is told "sent" by mistake, everybody is told soon, and all is well afterwards. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { register, request, requireWhole } from '../helpers/accounts.ts';
import { serverHome } from '../helpers/process.ts';
import { startSpeaking } from '../helpers/speaker.ts';

test('while MongoDB is frozen for ten seconds nothing is acknowledged, senders and readers are told, and then it goes on', async (t) => {
  const home = await serverHome(t);
  await home.start();
  const [ann, bob] = await Promise.all([register(home, 'ann'), register(home, 'bob')]);
  const { id: chatId } = (await request(home, '/chat', ann.token, { userId: bob.id })) as { id: string };
  const speakers = [ann, bob].map(({ token }) => startSpeaking(t, home.url, token, chatId));
  await Promise.all(speakers.map((speaker) => speaker.acknowledges(20)));

  const mongod = await home.mongodPid();
  process.kill(mongod, 'SIGSTOP');
  t.after(() => {
    // Whatever fails before it is woken must not leave it frozen; at the end it may be gone already.
    try {
      process.kill(mongod, 'SIGCONT');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  });
  // What was on the wire when it froze may still come in; from the first refusal on there is silence.
  const frozen = pause(10_000);
  await Promise.all(speakers.map((speaker) => speaker.refused()));
  const acknowledgedBefore = speakers.map((speaker) => speaker.acknowledged.size);
  const reading = await fetch(`${home.url}/message?chatId=${chatId}`, { headers: { authorization: `Bearer ${ann.token}` } });
  assert.equal(reading.status, 503);
  assert.equal(((await reading.json()) as { code: string }).code, 'UNAVAILABLE');
  await frozen;
  assert.deepEqual(speakers.map((speaker) => speaker.acknowledged.size), acknowledgedBefore, 'no acknowledgement in the silence');
  for (const { refusals } of speakers) assert.deepEqual(new Set(refusals), new Set(['UNAVAILABLE']));
  process.kill(mongod, 'SIGCONT');

  await Promise.all(speakers.map((speaker) => speaker.acknowledges(20)));
  await Promise.all(speakers.map((speaker) => speaker.finish()));
  await requireWhole(home, chatId, ann, speakers);
});
