/** The intake by itself: how much of what a peer asks for is begun at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RpcFault, RpcRequest } from '../../src/transports/websocket/frames.ts';
import { Intake } from '../../src/transports/websocket/intake.ts';

const atOnce = 16;
const megabyte = 1024 * 1024;

interface Written {
  frame: string;
  whenWritten: () => void;
}

/** An intake whose requests end, and whose answers are written, when the test says so. */
function createBench() {
  const begun: { request: RpcRequest | RpcFault; end: (answer?: object) => void }[] = [];
  const written: Written[] = [];
  const peer = { OPEN: 1 as const, readyState: 1 as const, isPaused: false, pause: () => void (peer.isPaused = true), resume: () => void (peer.isPaused = false) };
  const bench = { begun, written, peer, unsent: 0 };
  const intake = new Intake({
    webSocket: peer,
    responder: {
      answer: (request) => new Promise((end) => begun.push({ request, end })),
      refuse: () => ({ refused: true }),
    },
    sender: {
      answer: (frame, whenWritten) => void written.push({ frame: frame.toString(), whenWritten }),
      unsentAnswers: () => bench.unsent,
    },
  });
  return { ...bench, bench, intake };
}

const request = (id: number): object => ({ jsonrpc: '2.0', id, method: 'x' });
const frame = (id: number): string => JSON.stringify(request(id));
const batch = (count: number): string => JSON.stringify(Array.from({ length: count }, (_, id) => request(id)));
/** Everything that follows from what was said so far has happened by then. */
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('16 requests are begun at once; another one when an answer is written, and the peer is not read in between', async () => {
  const { begun, written, peer, intake } = createBench();
  for (let id = 1; id < atOnce; id++) intake.receive(frame(id));
  assert.equal(peer.isPaused, false);
  for (let id = atOnce; id <= atOnce + 2; id++) intake.receive(frame(id));
  assert.deepEqual([begun.length, peer.isPaused], [atOnce, true]);

  begun[0]?.end({});
  await turn();
  assert.equal(begun.length, atOnce, 'the answer has not left yet');
  written[0]?.whenWritten();
  assert.deepEqual([begun.length, peer.isPaused], [atOnce + 1, true]);
  for (const { end } of begun) end();
  await turn();
  assert.deepEqual([begun.length, peer.isPaused], [atOnce + 2, false], 'what is not answered need not be written');
});

test('a batch counts as its requests, and what has ended of it makes room for the rest', async () => {
  const { begun, written, peer, intake } = createBench();
  intake.receive(batch(50));
  assert.deepEqual([begun.length, peer.isPaused], [atOnce, true]);
  for (let index = 0; index < 50; index++) {
    begun[index]?.end({ index });
    await turn();
    assert.equal(begun.length, Math.min(50, atOnce + index + 1));
  }
  assert.deepEqual(written.map(({ frame }) => (JSON.parse(frame) as unknown[]).length), [50]);
  assert.equal(peer.isPaused, false);
});

test('nothing is begun while more than a megabyte of answers is unsent', async () => {
  const { begun, written, peer, bench, intake } = createBench();
  intake.receive(frame(1));
  begun[0]?.end({});
  await turn();
  bench.unsent = megabyte + 1;
  intake.receive(frame(2));
  assert.deepEqual([begun.length, peer.isPaused], [1, true]);
  bench.unsent = megabyte;
  written[0]?.whenWritten();
  assert.deepEqual([begun.length, peer.isPaused], [2, false]);
});

test('once the answers of a batch come to more than a megabyte, the rest of it is refused', async () => {
  const { begun, written, intake } = createBench();
  intake.receive(batch(50));
  begun[0]?.end({ long: 'x'.repeat(megabyte) });
  await turn();
  for (const { end } of begun) end({});
  await turn();
  const answers = JSON.parse(written[0]?.frame ?? '') as { refused?: true }[];
  assert.equal(begun.length, atOnce);
  assert.equal(answers.filter(({ refused }) => refused).length, 50 - atOnce);
});

test('draining lets in all that waits', async () => {
  const { begun, intake } = createBench();
  for (let id = 1; id <= 40; id++) intake.receive(frame(id));
  const drained = intake.drain();
  assert.equal(begun.length, 40);
  for (const { end } of begun) end();
  await drained;
});
