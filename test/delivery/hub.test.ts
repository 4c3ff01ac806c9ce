/** The hub by itself: who hears what, and at what cost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyEvent } from '../../src/core/contract.ts';
import { everything, type View } from '../../src/core/view.ts';
import { createHub, type Connection, type Encode } from '../../src/delivery/hub.ts';
import { guest } from '../helpers/people.ts';

const megabyte = 1024 * 1024;

const hello: AnyEvent = { name: 'test.happened', payload: 'hello' };

interface Encoder {
  encode: Encode;
  calls: number;
}

/** An encoding that counts how often it is done. */
function createEncoder(prefix = ''): Encoder {
  const encoder: Encoder = {
    calls: 0,
    encode: ({ payload }) => {
      encoder.calls += 1;
      return Buffer.from(prefix + String(payload));
    },
  };
  return encoder;
}

interface Listener extends Connection {
  heard: string[];
  closed: [number, string] | undefined;
  backlog: number;
}

function createListener(userId: string, { sessionId = `session of ${userId}`, encoder = createEncoder() } = {}): Listener {
  const listener: Listener = {
    caller: { ...guest, userId, sessionId, expiresAt: new Date() },
    encode: encoder.encode,
    heard: [],
    closed: undefined,
    backlog: 0,
    send: (frame) => listener.heard.push(frame.toString()),
    unsent: () => listener.backlog,
    close: (code, reason) => (listener.closed = [code, reason]),
  };
  return listener;
}

test('an event is encoded once for each wire, however many listen', () => {
  const hub = createHub();
  const [one, other] = [createEncoder('1:'), createEncoder('2:')];
  const listeners = Array.from({ length: 100 }, (_, index) => createListener(`u${index}`, { encoder: index < 70 ? one : other }));
  for (const listener of listeners) {
    hub.attach(listener);
    hub.subscribe(listener, ['chat:c']);
  }
  hub.publish('chat:c', hello);
  assert.deepEqual([one.calls, other.calls], [1, 1]);
  assert.deepEqual(listeners.map(({ heard }) => heard), listeners.map((_, index) => [index < 70 ? '1:hello' : '2:hello']));
});

test('an event that nobody listens to is not encoded', () => {
  const hub = createHub();
  const encoder = createEncoder();
  const listener = createListener('ann', { encoder });
  hub.attach(listener);
  hub.publish('chat:c', hello);
  hub.detach(listener);
  hub.publish('user:ann', hello);
  assert.equal(encoder.calls, 0);
});

test('a connection hears its user, its session and the topics it subscribes to, and nothing else', () => {
  const hub = createHub();
  const listener = createListener('ann', { sessionId: 's' });
  hub.attach(listener);
  hub.subscribe(listener, ['chat:1', 'chat:2']);
  for (const topic of ['user:ann', 'session:s', 'chat:1', 'chat:2', 'chat:3', 'user:bob', 'session:other', 'chat:ann'] as const) {
    hub.publish(topic, { name: 'x', payload: topic });
  }
  assert.deepEqual(listener.heard, ['user:ann', 'session:s', 'chat:1', 'chat:2']);
});

test('subscribing twice is hearing once', () => {
  const hub = createHub();
  const listener = createListener('ann');
  hub.attach(listener);
  hub.subscribe(listener, ['chat:1', 'chat:1']);
  hub.join('ann', 'chat:1', everything);
  hub.publish('chat:1', hello);
  assert.deepEqual(listener.heard, ['hello']);
});

test('joining makes every connection of that user listen, and nobody else', () => {
  const hub = createHub();
  const [phone, desk, bob] = [createListener('ann'), createListener('ann', { sessionId: 'desk' }), createListener('bob')];
  for (const listener of [phone, desk, bob]) hub.attach(listener);
  hub.join('ann', 'chat:new', everything);
  hub.publish('chat:new', hello);
  assert.deepEqual([phone.heard, desk.heard, bob.heard], [['hello'], ['hello'], []]);
});

test('a connection that is gone hears nothing and can subscribe to nothing', () => {
  const hub = createHub();
  const listener = createListener('ann');
  hub.attach(listener);
  hub.subscribe(listener, ['chat:1']);
  hub.detach(listener);
  hub.subscribe(listener, ['chat:1']);
  hub.join('ann', 'chat:1', everything);
  for (const topic of ['chat:1', 'user:ann'] as const) hub.publish(topic, hello);
  hub.endSession(listener.caller.sessionId);
  assert.deepEqual([listener.heard, listener.closed], [[], undefined]);
});

test('whoever has more than a megabyte unsent is cut off with 1013; the others get the event', () => {
  const hub = createHub();
  const [slow, atTheLimit, fast] = [createListener('slow'), createListener('limit'), createListener('fast')];
  for (const listener of [slow, atTheLimit, fast]) {
    hub.attach(listener);
    hub.subscribe(listener, ['chat:1']);
  }
  atTheLimit.backlog = megabyte;
  slow.backlog = megabyte + 1;
  hub.publish('chat:1', hello);
  assert.equal(slow.closed?.[0], 1013);
  assert.deepEqual([slow.heard, atTheLimit.heard, fast.heard], [[], ['hello'], ['hello']]);
  slow.backlog = 0;
  hub.publish('chat:1', hello);
  assert.deepEqual(slow.heard, [], 'what follows a hole must not be heard');
});

test('the end of a session closes its connections with 4401, and no other of the same user', () => {
  const hub = createHub();
  const [first, second, other] = [createListener('ann', { sessionId: 'a' }), createListener('ann', { sessionId: 'a' }), createListener('ann', { sessionId: 'b' })];
  for (const listener of [first, second, other]) hub.attach(listener);
  hub.endSession('a');
  hub.publish('user:ann', hello);
  assert.deepEqual([first.closed?.[0], second.closed?.[0], other.closed], [4401, 4401, undefined]);
  assert.deepEqual([first.heard, second.heard, other.heard], [[], [], ['hello']]);
});

test('whoever may not see everything gets what is meant for their view, and joining once more takes nothing of that away', () => {
  const hub = createHub();
  const [ann, bob] = [createListener('ann'), createListener('bob')];
  for (const listener of [ann, bob]) hub.attach(listener);
  for (const userId of ['ann', 'bob']) hub.join(userId, 'chat:1', everything);
  const veiled = ({ fromSeq }: View): AnyEvent => (fromSeq === 0 ? hello : { name: 'test.happened', payload: `veiled from ${fromSeq}` });
  const tell = (): void => hub.publish('chat:1', hello, { veiled });
  tell();
  hub.reveal('bob', 'chat:1', { fromSeq: 3, hidden: [] });
  hub.join('bob', 'chat:1', everything);
  tell();
  hub.reveal('bob', 'chat:1', { fromSeq: 6, hidden: [] });
  tell();
  hub.reveal('bob', 'chat:1', everything);
  tell();
  hub.reveal('bob', 'chat:2', everything);
  hub.publish('chat:2', hello);
  assert.deepEqual([ann.heard, bob.heard], [['hello', 'hello', 'hello', 'hello'], ['hello', 'veiled from 3', 'veiled from 6', 'hello']]);
});

test('a view that is older than the one known was read before it, and changes nothing', () => {
  const hub = createHub();
  const ann = createListener('ann');
  hub.attach(ann);
  const seeing = (fromSeq: number, version: number): View => ({ fromSeq, hidden: [], version });
  const ways: ((view: View) => void)[] = [
    (view) => void hub.restrict('chat:1', new Map([['ann', view]])),
    (view) => void hub.reveal('ann', 'chat:1', view),
    (view) => hub.correct(ann, new Map([['chat:1', view]]), new Map([['chat:1', view]])),
  ];
  hub.join('ann', 'chat:1', seeing(1, 1));
  for (const [index, move] of ways.entries()) {
    move(seeing(10 + index, 2 + index));
    assert.deepEqual([0, 1, 2, 3].map((more) => hub.isOutdated('ann', 'chat:1', 1 + index + more)), [false, false, true, true]);
    for (const again of ways) again(seeing(0, 1));
    hub.publish('chat:1', hello, { veiled: ({ fromSeq }) => ({ name: 'test.happened', payload: `veiled from ${fromSeq}` }) });
  }
  assert.deepEqual(ann.heard, ['veiled from 10', 'veiled from 11', 'veiled from 12']);
});

test('nor does an older view that hides something come back after one that shows everything', () => {
  const hub = createHub();
  const ann = createListener('ann');
  hub.attach(ann);
  hub.join('ann', 'chat:1', { fromSeq: 0, hidden: [], version: 5 });
  void hub.reveal('ann', 'chat:1', { fromSeq: 0, hidden: [{ from: 1, to: 9 }], version: 4 });
  hub.publish('chat:1', hello, { veiled: ({ hidden }) => ({ name: 'test.happened', payload: `${hidden.length} hidden` }) });
  assert.deepEqual(ann.heard, ['0 hidden']);
});
