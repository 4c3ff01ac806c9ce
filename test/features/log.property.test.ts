/** The promises of the log, on random histories: two processes, several senders, repeats, conflicts and failing writes. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Types } from 'mongoose';
import { AppError, isStoreSilent } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import type { Update } from '../../src/features/messages/change.model.ts';
import type { MessageDocument } from '../../src/features/messages/message.model.ts';
import { editOf, removalOf } from '../../src/features/messages/message.updates.ts';
import { freshDatabase } from '../helpers/app.ts';
import { createLogProcess, type Fate, type LogProcess } from '../helpers/log.ts';
import { createReplica } from '../helpers/replica.ts';

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), process: fc.nat(1), chat: fc.nat(1), sender: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repeat' as const), process: fc.nat(1), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('conflict' as const), process: fc.nat(1), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('edit' as const), process: fc.nat(1), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), process: fc.nat(1), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const), process: fc.nat(1) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

const fates = fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant('well' as const) }, fc.constant('never arrives' as const), fc.constant('answer lost' as const)), { maxLength: 12 });

interface Sent {
  id: string;
  chatId: string;
  senderId: string;
  text: string;
  process: number;
}

interface History {
  sent: Sent[];
  acknowledged: Map<string, Message>;
}

/** Runs the steps without waiting between them, except where a step says so. */
async function run(steps: readonly Step[], processes: readonly LogProcess[], chats: readonly string[]): Promise<History> {
  const senders = Array.from({ length: 3 }, () => new Types.ObjectId().toHexString());
  const sent: Sent[] = [];
  const acknowledged = new Map<string, Message>();
  const underWay: Promise<unknown>[] = [];
  const acknowledgement = new Map<string, Promise<unknown>>();

  for (const [index, one] of steps.entries()) {
    const process = processes[one.process] as LogProcess;
    if (one.kind === 'wait') {
      await Promise.all(underWay);
    } else if (one.kind === 'send') {
      const message = { id: randomUUID(), chatId: chats[one.chat] ?? '', senderId: senders[one.sender] ?? '', text: `text ${index}`, process: one.process };
      sent.push(message);
      const answer = process.log.append(message).then(({ message: stored }) => acknowledged.set(stored.id, stored));
      acknowledgement.set(message.id, answer);
      underWay.push(answer);
    } else if (sent.length > 0) {
      const target = sent[one.which % sent.length] as Sent;
      // A repeat on another process, or a conflict, comes after the send; on the same process it follows it closely.
      const before = one.kind === 'conflict' || one.process !== target.process ? acknowledgement.get(target.id) : undefined;
      underWay.push(Promise.resolve(before).then(() => actOn(one.kind, process, target, index)));
    }
  }
  await Promise.all(underWay);
  return { sent, acknowledged };
}

async function actOn(kind: 'repeat' | 'conflict' | 'edit' | 'remove', process: LogProcess, target: Sent, index: number): Promise<void> {
  if (kind === 'repeat') {
    const { message } = await process.log.append(target);
    assert.equal(message.id, target.id);
  } else if (kind === 'conflict') {
    const impostor = process.log.append({ ...target, senderId: new Types.ObjectId().toHexString() });
    await assert.rejects(impostor, (error: unknown) => error instanceof AppError && error.code === 'CONFLICT');
  } else {
    const decide = (message: MessageDocument): Update | undefined => (kind === 'edit' ? editOf(message, target.senderId, `edited ${index}`, Infinity) : removalOf(message, target.senderId, false));
    await change(process, target, decide).catch((error: unknown) => {
      // The message may still be on its way into the log, or be removed by now.
      if (!(error instanceof AppError && ['MESSAGE_NOT_FOUND', 'MESSAGE_REMOVED'].includes(error.code))) throw error;
    });
  }
}

/** As a client does it: what was not answered is asked for again. */
async function change(process: LogProcess, target: Sent, decide: (message: MessageDocument) => Update | undefined): Promise<void> {
  try {
    await process.changes.change(target.chatId, target.id, decide);
  } catch (error) {
    if (!isStoreSilent(error)) throw error;
    await change(process, target, decide);
  }
}

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

const nothingOwn = { version: 0, joinedSeq: 0, fromSeq: 0, clearedSeq: 0, hidden: [], archived: false, pinned: false, markedUnread: false };

/** Both chats in the shape of messages.sync, three messages at a time. */
function syncFrom({ history }: LogProcess, chatIds: readonly string[]): Parameters<ReturnType<typeof createReplica>['sync']>[0] {
  return async (places) => {
    const chats = [];
    const heads = await history.heads(chatIds);
    for (const id of chatIds) {
      const head = heads.get(id)?.place ?? { seq: 0, rev: 0 };
      const { messages, place } = (await history.since(id, { fromSeq: 0, hidden: [] }, { from: places[id] ?? { seq: 0, rev: 0 }, to: head, limit: 3 })) ?? assert.fail();
      const more = place.seq < head.seq || place.rev < head.rev;
      chats.push({ chat: { id, kind: 'private' as const, memberCount: 0, createdAt: '' }, mine: nothingOwn, members: [], former: [], place, messages, more });
    }
    return { chats, gone: [], more: chats.some((chat) => chat.more), cursor: 'none' };
  };
}

test('whatever happens, numbers are dense, order holds, nothing acknowledged is missing and events equal a fresh fetch', async (t) => {
  const uri = freshDatabase(t);
  const destinies: Fate[][] = [];
  const processes = await Promise.all([0, 1].map((index) => createLogProcess(t, uri, { fate: () => destinies[index]?.shift(), changeFate: () => destinies[index + 2]?.shift() })));
  const [reader] = processes as [LogProcess, LogProcess];

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.tuple(fates, fates, fates, fates), fc.infiniteStream(fc.boolean()), async (steps, lots, losses) => {
      destinies.splice(0, lots.length, ...lots.map((lot) => [...lot]));
      for (const process of processes) process.events.length = process.changed.length = 0;
      const chatIds = [new Types.ObjectId().toHexString(), new Types.ObjectId().toHexString()];
      const { sent, acknowledged } = await run(steps, processes, chatIds);

      assert.equal(acknowledged.size, sent.length, 'every send is acknowledged in the end');
      for (const chatId of chatIds) {
        const { items } = await reader.history.page(chatId, { fromSeq: 0, hidden: [] }, { after: 0, limit: 10_000 });
        assert.deepEqual(items.map((message) => message.seq), oneTo(items.length), 'seq is dense');
        assert.deepEqual(new Set(items.map((message) => message.id)), new Set(sent.filter((one) => one.chatId === chatId).map((one) => one.id)), 'all that was sent, and each once');

        // Each process tells its own people; a change that was in doubt may be told twice, and what it says is the same.
        const told = new Map(processes.flatMap((process) => process.changed).filter((message) => message.chatId === chatId).map((message) => [message.rev ?? 0, message]));
        const changes = [...told.values()].sort((a, b) => (a.rev ?? 0) - (b.rev ?? 0)).map((payload) => ({ name: payload.removedAt === undefined ? 'message.edited' : 'message.removed', payload }));
        assert.deepEqual(changes.map(({ payload }) => payload.rev), oneTo(changes.length), 'rev is dense');

        for (const { id, seq } of items) assert.equal(acknowledged.get(id)?.seq, seq, 'the acknowledged number is the stored one');
        for (const process of [0, 1]) {
          for (const senderId of new Set(sent.map((one) => one.senderId))) {
            const own = sent.filter((one) => one.chatId === chatId && one.process === process && one.senderId === senderId).map((one) => acknowledged.get(one.id)?.seq ?? 0);
            assert.deepEqual(own, own.toSorted((a, b) => a - b), 'a sender is heard in the order of speaking');
          }
        }

        const created = processes.flatMap((process) => process.events).filter(({ payload }) => (payload as Message).chatId === chatId).sort((a, b) => (a.payload as Message).seq - (b.payload as Message).seq);
        const attentive = createReplica();
        for (const event of [...created, ...changes]) assert.ok(attentive.apply(event), 'no event is missing');
        assert.deepEqual(attentive.messagesOf(chatId), items, 'events applied give what a fetch gives');

        const forgetful = createReplica();
        for (const event of [...created, ...changes]) {
          if (losses.next().value) continue;
          if (!forgetful.apply(event)) await forgetful.sync(syncFrom(reader, chatIds));
        }
        await forgetful.sync(syncFrom(reader, chatIds));
        assert.deepEqual(forgetful.messagesOf(chatId), items, 'events lost and synced give what a fetch gives');
      }
    }),
    { numRuns: 150, includeErrorInReport: true },
  );
});
