/** A store that is in use, so that a query which looks at too much is seen to: straight into the collections, as the server itself would have put it there. */
import { randomUUID } from 'node:crypto';
import { Types, type Connection } from 'mongoose';
import { blockIdOf } from '../../src/features/blocks/block.model.ts';
import { pairKeyOf } from '../../src/features/chats/chat.model.ts';
import { firstSettings } from '../../src/features/chats/group.roles.ts';
import { atFirst } from '../../src/features/chats/membership.model.ts';
import { toUuid } from '../../src/features/messages/message.model.ts';
import { openPrivacy } from '../../src/features/users/user.model.ts';

/** Other people, with so many documents in each collection of what people have; and people who have nothing, more in all than a search looks at. */
const [others, idle] = [3000, 8000];
/** Private chats of one person; others have as many. */
export const chatsOfOne = 500;
/** Members of a group, and those who have left. */
export const [inGroup, leftGroup] = [300, 700];
/** Messages of the long chat, with those of a person's other chats more than a search looks at; and of all others. */
export const inLongChat = 9500;
const inShortChat = 2;

export interface Crowd {
  /** Somebody in both groups. */
  memberId: string;
  /** Groups with many members, and more who have left. */
  groupIds: string[];
  /** A private chat with many messages, half of them changed; one in a hundred is the other's. */
  longChatId: string;
}

const past = new Date(Date.now() - 7 * 24 * 60 * 60_000);
const future = new Date(Date.now() + 24 * 60 * 60_000);

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));

export async function addCrowd(store: Connection, oneId: string, otherId: string): Promise<Crowd> {
  const put = async (collection: string, documents: object[]): Promise<unknown> => store.collection(collection).insertMany(documents);
  const people = many(others, () => new Types.ObjectId());
  await addAccounts(put, people);
  await put('security', many(others, (index) => ({ userId: new Types.ObjectId(oneId), kind: 'signed-in', ip: '192.0.2.1', network: `192.0.2.${index}`, userAgent: 'any', at: past })));

  const [one, other] = [new Types.ObjectId(oneId), new Types.ObjectId(otherId)];
  const withSome = people.slice(0, chatsOfOne).map((id) => ({ _id: new Types.ObjectId(), people: [one, id] }));
  const ofOthers = people.slice(chatsOfOne, 2 * chatsOfOne).map((id, index) => ({ _id: new Types.ObjectId(), people: [id, people[index] ?? id] }));
  const long = { _id: new Types.ObjectId(), people: [one, other] };
  const groups = many(2, () => ({ _id: new Types.ObjectId(), people: [other, one, ...people.slice(leftGroup, leftGroup + inGroup - 2)], former: people.slice(0, leftGroup) }));
  await addChats(put, [...withSome, ...ofOthers, ...groups].map((chat) => ({ ...chat, length: inShortChat })));
  await addChats(put, [{ ...long, length: inLongChat }]);
  return { memberId: String(people[leftGroup]), groupIds: groups.map(({ _id }) => String(_id)), longChatId: String(long._id) };
}

type Put = (collection: string, documents: object[]) => Promise<unknown>;

/** People who are all called alike, and what an account has. */
async function addAccounts(put: Put, people: readonly Types.ObjectId[]): Promise<void> {
  const each = (make: (userId: Types.ObjectId, index: number) => object): object[] => people.map(make);
  await Promise.all([
    put('users', [...people, ...many(idle, () => new Types.ObjectId())].map((_id, index) => ({ _id, username: `twin${index}`, firstName: 'Twin', email: `twin${index}@example.org`, googleId: `google-${index}`, language: 'en', privacy: openPrivacy, words: ['twin', `twin${index}`], createdAt: past }))),
    put('sessions', each((userId) => ({ userId, refreshHash: randomUUID(), lastUsedAt: past, expiresAt: future }))),
    put('tokens', each((userId, index) => ({ _id: `${index % 2 ? 'undo' : 'reset-password'}:${randomUUID()}`, userId, hash: randomUUID(), data: {}, expiresAt: future }))),
    put('mails', each((userId, index) => ({ userId, kind: 'signed-in', attempts: index % 3, nextAttemptAt: future, giveUpAt: future }))),
    put('security', each((userId) => ({ userId, kind: 'signed-in', network: '127.0.0.1', at: past }))),
    put('counters', many(people.length, () => ({ _id: randomUUID(), attempts: [], expiresAt: future }))),
    put('blocks', each((userId, index) => ({ _id: blockIdOf(String(userId), String(people[index - 1])), userId, otherId: people[index - 1], blocked: index % 2 === 0, version: 1, changedAt: past }))),
    put('revocations', each(() => ({ at: past }))),
  ]);
}

interface CrowdedChat {
  _id: Types.ObjectId;
  people: readonly Types.ObjectId[];
  length: number;
  former?: readonly Types.ObjectId[];
}

/** With messages that are in the index of words, every second one changed once. Two people are a private chat, more are a group. */
async function addChats(put: Put, chats: readonly CrowdedChat[]): Promise<void> {
  const messages = chats.flatMap(toMessages);
  const members = chats.flatMap(({ _id: chatId, people, former = [], length }) => [
    ...people.map((userId, index) => ({ chatId, userId, role: people.length > 2 && index === 0 ? 'owner' : 'member', ...atFirst, readSeq: length, changedAt: past })),
    ...former.map((userId) => ({ chatId, userId, ...atFirst, leftAt: past, changedAt: past })),
  ]);
  await Promise.all([
    put('chats', chats.map(({ _id, people, length }) => ({ _id, createdAt: past, head: { seq: length, at: past }, ...(people.length > 2 ? groupOf(people) : { kind: 'private', pairKey: pairKeyOf(String(people[0]), String(people[1])) }) }))),
    put('memberships', members),
    put('messages', messages),
    put('changes', chats.map(({ _id, length }) => ({ _id, rev: length / 2, messageId: messages.find(({ chatId, seq }) => chatId === _id && seq === length)?._id, update: { set: {} } }))),
    put('searchTerms', messages.map(({ _id, chatId, seq, rev = 0, createdAt: at, text }) => ({ _id, chatId, seq, rev, at, words: text.split(' ') }))),
    put('searchPlaces', chats.map(({ _id, length }) => ({ _id: String(_id), build: 0, seq: length, rev: length / 2 }))),
  ]);
}

const toMessages = ({ _id: chatId, people, length }: CrowdedChat) =>
  many(length, (index) => ({
    _id: toUuid(randomUUID()),
    chatId,
    seq: index + 1,
    senderId: people[index % 100 === 99 ? 1 : 0],
    kind: 'text',
    text: `number ${index}`,
    createdAt: past,
    ...(index % 2 === 1 && { rev: (index + 1) / 2, editedAt: past }),
  }));

const groupOf = (people: readonly Types.ObjectId[]) => ({
  kind: 'group',
  title: 'Crowd',
  ownerId: people[0],
  memberCount: people.length,
  settings: firstSettings,
  change: { version: 1, noticeId: toUuid(randomUUID()), at: past },
});
