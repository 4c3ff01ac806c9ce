/** What a connection is answered and told of those it watches while they are being looked up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../../src/core/contract.ts';
import { createHub } from '../../src/delivery/hub.ts';
import type { Presence } from '../../src/features/presence/presence.contract.ts';
import { createKnown } from '../../src/features/presence/presence.known.ts';
import { createPeople } from '../../src/features/presence/presence.people.ts';
import { createTelling } from '../../src/features/presence/presence.telling.ts';
import { createWatching } from '../../src/features/presence/presence.watching.ts';
import { guest } from '../helpers/people.ts';

const [ann, bob, cem] = ['a', 'b', 'c'].map((letter) => letter.repeat(24)) as [string, string, string];

interface Asked<T> {
  answer: (found: T) => void;
  found: Promise<T>;
}

function createAsked<T>(): Asked<T> {
  let answer: Asked<T>['answer'] = () => undefined;
  const found = new Promise<T>((resolve) => (answer = resolve));
  return { answer, found };
}

/** Bob has a connection; Ann and Cem are here. Whom he may see, and with whom he has chats, is found when the test says so. */
function createScene() {
  const hub = createHub();
  const people = createPeople<Caller>();
  const known = createKnown<Caller>();
  const [seen, viewers, partners] = [createAsked<string[]>(), createAsked<string[]>(), createAsked<string[]>()];
  const heard: Presence[] = [];
  const callerOf = (userId: string): Caller => ({ ...guest, userId, sessionId: userId, expiresAt: new Date() });
  const bobs = callerOf(bob);
  hub.attach({ caller: bobs, encode: ({ payload }) => Buffer.from(JSON.stringify(payload)), send: (frame) => void heard.push(JSON.parse(String(frame)) as Presence), unsent: () => 0, close: () => undefined });
  for (const caller of [bobs, callerOf(ann), callerOf(cem)]) people.opened(caller.userId, caller);
  const sight = {
    seenBy: async () => new Map((await seen.found).map((id) => [id, { toldTo: 'everyone' as const }])),
    viewersOf: async (watchers: ReadonlyMap<string, unknown>) => {
      const those = new Set(await viewers.found);
      return new Map([...watchers.keys()].map((id) => [id, those]));
    },
  };
  const chats = { partnersOf: async () => partners.found };
  return {
    bobs,
    heard,
    seen,
    viewers,
    partners,
    hub,
    people,
    ...createWatching({ people, known, sight, chats, bus: hub }),
    tell: createTelling({ people, known, sight, bus: hub, onError: assert.ifError }),
  };
}

test('whoever hides while they are looked up is answered as hidden, once that was found', async () => {
  const { bobs, heard, seen, viewers, watch, tell } = createScene();
  const answer = watch(bobs, { userIds: [ann] });
  viewers.answer([]);
  await tell([ann]);
  seen.answer([ann]);
  assert.deepEqual([(await answer).people, heard], [[{ userId: ann, online: false }], []]);
});

test('whoever shows themselves while they are looked up is not answered as hidden once that was told', async () => {
  const { bobs, heard, seen, viewers, watch, tell } = createScene();
  const answer = watch(bobs, { userIds: [ann] });
  viewers.answer([bob]);
  await tell([ann]);
  seen.answer([]);
  assert.deepEqual([(await answer).people, heard], [[{ userId: ann, online: true }], [{ userId: ann, online: true }]]);
});

test('who may see somebody is not looked up of a connection that begins to watch meanwhile: it is answered, and told nothing', async () => {
  const { bobs, heard, seen, viewers, watch, tell, people, hub } = createScene();
  const cems = { ...bobs, userId: cem, sessionId: cem };
  hub.attach({ caller: cems, encode: () => Buffer.from(''), send: () => undefined, unsent: () => 0, close: () => undefined });
  people.opened(cem, cems);
  hub.watch(cems, [ann]);
  const told = tell([ann]);
  const answer = watch(bobs, { userIds: [ann] });
  seen.answer([ann]);
  assert.deepEqual((await answer).people, [{ userId: ann, online: true }]);
  viewers.answer([cem]);
  await told;
  assert.deepEqual(heard, []);
});

test('of two wishes whom to watch the later counts, also where the earlier takes longer to look up', async () => {
  const { bobs, seen, viewers, partners, watch, tell, heard } = createScene();
  const first = watch(bobs, {});
  const second = watch(bobs, { userIds: [cem] });
  seen.answer([]);
  await second;
  partners.answer([ann]);
  await first;
  viewers.answer([bob]);
  await tell([ann, cem]);
  assert.deepEqual(heard, [{ userId: cem, online: true }]);
});

test('a connection that says whom to watch before it is greeted watches those alone', async () => {
  const { bobs, seen, viewers, partners, watch, attend, tell, heard } = createScene();
  const attending = attend(bobs, []);
  seen.answer([]);
  await watch(bobs, { userIds: [cem] });
  partners.answer([ann]);
  await attending;
  viewers.answer([bob]);
  await tell([ann, cem]);
  assert.deepEqual(heard, [{ userId: cem, online: true }]);
});
