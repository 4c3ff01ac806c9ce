/** Files: whose they are, who may have them, how much room they take, and when they go. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Types } from 'mongoose';
import { unusedFor } from '../../src/features/files/file.holding.ts';
import { buildTestApp, connect, type TestApp } from '../helpers/app.ts';
import { picture, toForm, upload } from '../helpers/files.ts';
import type { Person } from '../helpers/people.ts';
import { until } from '../helpers/until.ts';
import { ask, requireError } from '../transports/ask.ts';

/** Files are looked at all the time, and go as soon as nothing has them. */
const quick = { fileMilliseconds: { sweep: 20, release: 200 } };

/** The keys of all that is kept. */
async function kept({ dataDir }: TestApp): Promise<string[]> {
  const names = await readdir(join(dataDir, 'files'), { recursive: true });
  return names.filter((name) => /[0-9a-f]{24}/.test(name)).map((name) => name.replace(/.*\//, '')).sort();
}

const incoming = ({ dataDir }: TestApp): Promise<string[]> => readdir(join(dataDir, 'files', 'incoming'));

/** As if so much time had passed since the files came. */
async function age(t: TestContext, { mongodbUri }: TestApp, milliseconds: number): Promise<void> {
  const { db } = await connect(t, mongodbUri);
  await db?.collection('files').updateMany({ checkAt: { $exists: true } }, [{ $set: { checkAt: { $subtract: ['$checkAt', milliseconds] } } }]);
}

const bytesOf = async ({ url }: TestApp, { accessToken }: Person, id: string): Promise<number> =>
  (await fetch(`${url}/file/${id}/content`, { headers: { authorization: `Bearer ${accessToken}` } })).status;

test('a message carries files, with what their bytes say of them, live and in every list', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const photo = await upload(server.url, ann, await picture(600, 300).jpeg().toBuffer(), 'IMG.exe');
  const text = await upload(server.url, ann, 'some words', 'words.html');
  assert.deepEqual({ ...photo, thumbhash: undefined, id: '', size: 0 }, { id: '', name: 'IMG.exe', kind: 'image', mime: 'image/jpeg', size: 0, width: 600, height: 300, thumbhash: undefined });
  assert.match(photo.thumbhash ?? '', /^[A-Za-z0-9+/]{20,}=*$/);
  assert.deepEqual(text, { id: text.id, name: 'words.html', kind: 'file', mime: 'text/plain', size: 10 });
  const socket = await bob.socket();
  const { id, chatId } = await ann.call('messages.send', { to: bob.id, fileIds: [photo.id, text.id] });
  const { params } = await socket.next('message.created');
  assert.deepEqual([params['files'], params['text']], [[photo, text], undefined]);
  assert.deepEqual((await bob.call('messages.list', { chatId })).items.at(-1)?.files, [photo, text]);
  const { replyTo } = await bob.call('messages.send', { chatId, text: 'nice', replyTo: id });
  assert.deepEqual(replyTo?.file, { name: 'IMG.exe', kind: 'image' });
});

test('a message with neither text nor files is refused, and so are too many files, and one twice', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const { id } = await upload(server.url, ann);
  const ids = Array.from({ length: 11 }, () => new Types.ObjectId().toHexString());
  for (const input of [{}, { fileIds: [] }, { fileIds: ids }, { fileIds: [id, id] }]) {
    await assert.rejects(ann.call('messages.send', { to: ann.id, ...input }), { code: 'VALIDATION_FAILED' });
  }
});

test('a send that is repeated gives its files once; with other files it is a conflict', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  const [one, other] = await Promise.all([upload(server.url, ann), upload(server.url, ann)]);
  const message = { id: '01890a5d-ac96-774b-bcce-b302099a8057', to: ann.id, fileIds: [one.id] };
  await ann.call('messages.send', message);
  const again = await ann.call('messages.send', message);
  assert.deepEqual([again.deduplicated, again.files], [true, [one]]);
  await assert.rejects(ann.call('messages.send', { ...message, fileIds: [other.id] }), { code: 'CONFLICT' });
  await assert.rejects(ann.call('messages.send', { id: message.id, to: ann.id, text: 'a text' }), { code: 'CONFLICT' });
});

test('only whoever sees a message with a file has it, for as long as they do', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([server.person('Ann'), server.person('Bob'), server.person('Cem')]);
  const { id: fileId } = await upload(server.url, ann);
  assert.deepEqual(await Promise.all([ann, bob].map((one) => bytesOf(server, one, fileId))), [200, 404]);
  const { id: chatId } = await ann.call('groups.create', { title: 'Group', userIds: [bob.id], settings: { history: 'joined' } });
  await ann.call('messages.send', { chatId, fileIds: [fileId] });
  await ann.call('groups.add', { id: chatId, userIds: [cem.id] });
  assert.deepEqual(await Promise.all([ann, bob, cem].map((one) => bytesOf(server, one, fileId))), [200, 200, 404], 'who came later sees nothing of before');
  const { id: otherId } = await upload(server.url, ann);
  const { id } = await ann.call('messages.send', { chatId, fileIds: [otherId] });
  await bob.call('messages.hide', { id });
  assert.deepEqual(await Promise.all([bob, cem].map((one) => bytesOf(server, one, otherId))), [404, 200], 'who has removed it for themselves');
  await ann.call('groups.expel', { id: chatId, userId: bob.id });
  assert.deepEqual(await Promise.all([bob, cem].map((one) => bytesOf(server, one, fileId))), [404, 404]);
});

test('whoever blocks its sender does not get a file that is sent to them', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  await bob.call('blocks.create', { userId: ann.id });
  const { id: fileId } = await upload(server.url, ann);
  await ann.call('messages.send', { to: bob.id, fileIds: [fileId] });
  assert.equal(await bytesOf(server, bob, fileId), 404);
});

test('a file is given on without being copied, by whoever sees it and by nobody else', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob, cem] = await Promise.all([server.person('Ann'), server.person('Bob'), server.person('Cem')]);
  const { id: fileId } = await upload(server.url, ann);
  await assert.rejects(bob.call('messages.send', { to: cem.id, fileIds: [fileId] }), { code: 'FILE_NOT_FOUND' });
  await ann.call('messages.send', { to: bob.id, fileIds: [fileId] });
  await bob.call('messages.send', { to: cem.id, fileIds: [fileId] });
  assert.equal(await bytesOf(server, cem, fileId), 200);
  assert.deepEqual(await kept(server), [fileId]);
  assert.deepEqual([(await ann.call('files.quota')).used, (await bob.call('files.quota')).used], [6, 0]);
});

test('a file goes with the last message that has it, and not before', async (t) => {
  const server = await buildTestApp(t, quick);
  const [ann, bob, cem] = await Promise.all([server.person('Ann'), server.person('Bob'), server.person('Cem')]);
  const { id: fileId } = await upload(server.url, ann, await picture().png().toBuffer());
  const first = await ann.call('messages.send', { to: bob.id, fileIds: [fileId] });
  const second = await bob.call('messages.send', { to: cem.id, fileIds: [fileId] });
  await ann.call('messages.remove', { id: first.id });
  assert.equal((await bob.call('messages.get', { id: first.id })).files, undefined);
  const { db } = await connect(t, server.mongodbUri);
  await until('it was looked at', async () => (await db?.collection('files').countDocuments({ checkAt: { $exists: true } })) === 0);
  assert.deepEqual(await kept(server), [fileId, `${fileId}-thumbnail`]);
  await bob.call('messages.remove', { id: second.id });
  await until('it is gone', async () => (await kept(server)).length === 0);
  assert.equal((await ann.call('files.quota')).used, 0);
});

test('what no message has goes after a day, and what one has stays', async (t) => {
  const server = await buildTestApp(t, quick);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const [, used] = await Promise.all([upload(server.url, ann), upload(server.url, ann)]);
  await ann.call('messages.send', { to: bob.id, fileIds: [used.id] });
  await age(t, server, unusedFor - 60_000);
  const { id: later } = await upload(server.url, ann);
  assert.equal((await kept(server)).length, 3);
  await age(t, server, 60_000);
  await until('one is gone', async () => (await kept(server)).length === 2);
  assert.deepEqual(await kept(server), [used.id, later].sort());
});

test('a file is removed by its owner, unless a message has it', async (t) => {
  const server = await buildTestApp(t);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const [one, other] = await Promise.all([upload(server.url, ann), upload(server.url, ann)]);
  await ann.call('messages.send', { to: bob.id, fileIds: [one.id] });
  await assert.rejects(ann.call('files.remove', { id: one.id }), { code: 'FILE_IN_USE' });
  for (const { id } of [one, other]) await assert.rejects(bob.call('files.remove', { id }), { code: 'FILE_NOT_FOUND' });
  await ann.call('files.remove', { id: other.id });
  assert.deepEqual(await kept(server), [one.id]);
  await assert.rejects(ann.call('messages.send', { to: bob.id, fileIds: [other.id] }), { code: 'FILE_NOT_FOUND' });
});

test('a file that is being given to a message is not removed at the same time', async (t) => {
  const server = await buildTestApp(t);
  const ann = await server.person('Ann');
  for (let time = 0; time < 20; time++) {
    const { id } = await upload(server.url, ann);
    const [sent, removed] = await Promise.allSettled([ann.call('messages.send', { to: ann.id, fileIds: [id] }), ann.call('files.remove', { id })]);
    assert.notEqual(sent.status, removed.status);
    assert.equal(await bytesOf(server, ann, id), sent.status === 'fulfilled' ? 200 : 404);
  }
});

test('a file beyond its limit is refused, announced or not, and so is one beyond the room that is left, which is told', async (t) => {
  const server = await buildTestApp(t, { env: { FILE_LIMIT_MB: '0.5', FILE_QUOTA_MB: '1' } });
  const ann = await server.person('Ann');
  const send = async (size: number, chunked: boolean) => {
    const { raw, headers } = await toForm(Buffer.alloc(size, 'x'));
    const body = chunked ? new Blob([raw]).stream() : raw;
    const response = await fetch(`${server.url}/file`, { method: 'POST', body, headers: { ...headers, authorization: `Bearer ${ann.accessToken}` }, ...(chunked && { duplex: 'half' }) });
    return { status: response.status, body: (await response.json()) as { code?: string; details?: object } };
  };
  const limit = 512 * 1024;
  for (const chunked of [true, false]) {
    const { status, body } = await send(limit + 1, chunked);
    assert.deepEqual([status, body.code, body.details], [413, 'FILE_TOO_LARGE', { maximum: limit }]);
  }
  assert.equal((await send(limit, false)).status, 201);
  assert.equal((await send(limit - 1000, true)).status, 201);
  for (const chunked of [true, false]) {
    const { status, body } = await send(1001, chunked);
    assert.deepEqual([status, body.code, body.details], [422, 'QUOTA_EXCEEDED', { left: 1000 }]);
  }
  assert.equal((await send(1000, false)).status, 201);
  assert.deepEqual(await ann.call('files.quota'), { used: 1024 * 1024, maximum: 1024 * 1024, fileMaximum: limit });
  assert.deepEqual(await incoming(server), []);
});

test('files that come at once never take more room together than there is', async (t) => {
  const server = await buildTestApp(t, { env: { FILE_LIMIT_MB: '0.5', FILE_QUOTA_MB: '1' } });
  const ann = await server.person('Ann');
  const { raw, headers } = await toForm(Buffer.alloc(300 * 1024, 'x'));
  const answers = await Promise.all(Array.from({ length: 10 }, () => ask(server.url, '/file', { method: 'POST', token: ann.accessToken, raw, headers })));
  for (const answer of answers) if (answer.status !== 201) requireError(answer, 'QUOTA_EXCEEDED');
  const taken = answers.filter(({ status }) => status === 201).length;
  assert.ok(taken > 0 && taken <= 3, `${taken} were taken`);
  assert.equal((await ann.call('files.quota')).used, taken * 300 * 1024);
});

test('with an account go the files that no message has; those in messages that stay are kept', async (t) => {
  const server = await buildTestApp(t, quick);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const [unused, used] = await Promise.all([upload(server.url, ann), upload(server.url, ann)]);
  await ann.call('messages.send', { to: bob.id, fileIds: [used.id] });
  await ann.call('account.remove', { password: ann.password, messages: 'keep' });
  await until('one is gone', async () => !(await kept(server)).includes(unused.id));
  assert.equal(await bytesOf(server, bob, used.id), 200);
});

test('with an account that takes its messages along go their files', async (t) => {
  const server = await buildTestApp(t, quick);
  const [ann, bob] = await Promise.all([server.person('Ann'), server.person('Bob')]);
  const { id } = await upload(server.url, ann);
  await ann.call('messages.send', { to: bob.id, fileIds: [id] });
  await ann.call('account.remove', { password: ann.password, messages: 'remove' });
  await until('it is gone', async () => (await kept(server)).length === 0);
  assert.equal(await bytesOf(server, bob, id), 404);
});
