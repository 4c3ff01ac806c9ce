/** People of every kind, what they have in common, and the secrets in it: what the matrix of access is tried on. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { picture, upload } from './files.ts';
import { createAuthenticator, type Authenticator } from './authenticator.ts';
import { buildGoogleApp, tokenOf, type GoogleApp } from './google.ts';
import { guest, type Output, type Person } from './people.ts';
import { untilFound } from './search.ts';
import { openSocket, type TestSocket } from './socket.ts';
import { challengeOf } from './twofold.ts';

/**
 * Owner, admin, member and blocked are in the group; the blocked one is a member, and in a private chat with
 * the owner, who has blocked them. Left, removed and banned were in it. Suspended is a session of the owner that has ended; anonymous has none at all.
 */
export const kinds = ['owner', 'admin', 'member', 'blocked', 'left', 'removed', 'banned', 'stranger', 'suspended', 'anonymous'] as const;
export type Kind = (typeof kinds)[number];

const signedIn = kinds.filter((kind) => kind !== 'suspended' && kind !== 'anonymous');
type SignedIn = Exclude<Kind, 'suspended' | 'anonymous'>;

/** Two more members, and somebody who has never been in it. */
const others = ['pawn', 'rook', 'newcomer'] as const;
type Others = (typeof others)[number];

/** Somebody of a kind, as they stand at the door. */
export interface Someone {
  kind: Kind;
  isSignedIn: boolean;
  person: Person;
  /** What they show; anonymous shows nothing. */
  token?: string;
  /** A chat with nobody else in it. */
  notes: string;
  /** What they hear, all the time. */
  socket?: TestSocket;
}

/** Words and ids that nobody else may get to see. */
export interface Secret {
  text: string;
  knownTo: readonly Kind[];
}

/** What operations are aimed at. Ghosts have ids of their own, and nothing behind them. */
export interface Scene {
  group: string;
  /** A word that stands in everything of the group. */
  word: string;
  /** Its messages, by who has sent them. */
  said: Record<'owner' | 'member', string>;
  notice: string;
  people: Record<SignedIn | Others, string>;
  /** A group in which only owner and admins write and add, and everybody changes the title. */
  reserved: string;
  /** A group that shows its newcomers nothing of before; owner and admin alone were there when `early` was said. */
  young: string;
  early: string;
  late: string;
  /** The private chat of owner and member, and what the owner has said there. */
  pair: string;
  whispered: string;
  /** The private chat of the owner and the blocked one; what the blocked one has said there before they were blocked, and since. */
  frozen: string;
  heard: Record<'kept' | 'amended', string>;
  unheard: string;
  unheardWord: string;
  /** Files of the owner: in a message of the group, of the private chat with the member, of the one with the blocked one before they were blocked; and in none. */
  files: Record<'group' | 'pair' | 'unused' | 'coming', string>;
  /** The key of the photo of the owner. */
  photo: string;
  email: string;
  /** An entry in the security log of the owner. */
  entry: string;
  /** A new message in the group. */
  say: (sender: 'owner' | 'member') => Promise<string>;
  /** A new message of the owner in the private chat. */
  whisper: () => Promise<string>;
  /** A new session of the owner. */
  session: () => Promise<string>;
}

export interface World {
  server: GoogleApp;
  everyone: Someone[];
  scene: Scene;
  /** The same, and nothing new is said in it: for who is refused anyway. */
  still: Scene;
  /** The same, and nothing of it exists, or none of the messages, or none of the people. */
  ghosts: Record<'everything' | 'messages' | 'people', Scene>;
  /** Another group of the same people. */
  another: () => Promise<Scene>;
  secrets: Secret[];
  /** From here on whatever they hear counts. */
  beginListening: () => Promise<void>;
  hold: Hold;
}

/** What whoever has it may do something with. */
export interface Hold {
  /** The token in the link of the next mail to an account that this kind of person has: each kind of link comes of the one before. */
  link: (what: 'verify-email' | 'confirm-email' | 'undo' | 'reset-password', kind: Kind) => Promise<string>;
  /** What is missing after the password of somebody with a second factor. */
  challenge: () => Promise<{ challengeToken: string; code: string }>;
  /** What Google says of somebody new. */
  credential: () => string;
  /** A session of the same person. */
  newSession: (person: Person) => Promise<Output<'auth.login'>>;
  authenticators: Map<string, Authenticator>;
}

const insiders = ['owner', 'admin', 'member', 'blocked'] as const satisfies Kind[];
const newId = (): string => randomBytes(12).toString('hex');
/** Without digits, so that it is not taken for an id. */
const newWord = (): string => `secret${randomUUID().replaceAll('-', '').replace(/\d/g, 'x')}`;

export async function buildWorld(t: TestContext): Promise<World> {
  const server = await buildGoogleApp(t);
  const names = [...signedIn, ...others];
  const people = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await server.verified(name)] as const))) as Record<(typeof names)[number], Person>;
  const secrets: Secret[] = [];
  const keep = (knownTo: readonly Kind[], ...texts: string[]): void => void secrets.push(...texts.map((text) => ({ text, knownTo })));
  const everyone = await Promise.all(signedIn.map(async (kind) => toSomeone(kind, people[kind], keep)));
  const another = () => buildGroup(people, keep);
  const hold = createHold(server);
  const session = async (): Promise<string> => (await server.services.sessions.authenticate((await hold.newSession(people.owner)).accessToken, guest)).sessionId;
  const frozen = await buildFrozen(people, keep);
  const group = await another();
  const rest = await buildOthers(people, keep);
  const scene = { ...group, ...rest, ...frozen, ...(await buildFiles(server.url, people.owner, { ...group, ...rest }, keep)), session };
  await untilFound(people.owner, scene.word, [`${scene.word} of the owner`, `${scene.word} of the member`]);
  await untilFound(people.blocked, scene.unheardWord, [scene.unheardWord]);
  const suspended = await suspend(t, server, people.owner);
  return {
    server,
    everyone: [...everyone, { ...suspended, notes: everyone[0]?.notes ?? '' }, { kind: 'anonymous', isSignedIn: false, person: people.newcomer, notes: newId() }],
    scene,
    still: { ...scene, ...stillOf(scene, await session()) },
    ghosts: ghostsOf(scene),
    another: async () => ({ ...scene, ...(await another()) }),
    secrets,
    async beginListening() {
      // Whatever was on its way has come before the answer.
      await Promise.all(everyone.map(async ({ socket }) => socket?.call('users.me')));
      for (const { socket } of everyone) socket?.events.splice(0);
    },
    hold,
  };
}

type People = Record<SignedIn | Others, Person>;
type Keep = (knownTo: readonly Kind[], ...texts: string[]) => void;

async function toSomeone(kind: SignedIn, person: Person, keep: Keep): Promise<Someone> {
  const word = newWord();
  const { chatId, id } = await person.call('messages.send', { to: person.id, text: `a note, ${word}` });
  keep([kind], word, chatId, id, person.email);
  return { kind, isSignedIn: true, person, token: person.accessToken, notes: chatId, socket: await person.socket() };
}

/** A session of the owner that has ended while it was listening. */
async function suspend(t: TestContext, { dispatch, url }: GoogleApp, person: Person): Promise<Omit<Someone, 'notes'>> {
  const { accessToken, refreshToken = '' } = (await dispatch.call('auth.login', guest, { email: person.email, password: person.password })) as Output<'auth.login'>;
  const socket = await openSocket(t, url, accessToken);
  await person.call('sessions.endOthers');
  assert.equal((await socket.closed).code, 4401);
  return { kind: 'suspended', isSignedIn: false, person: { ...person, accessToken, refreshToken }, token: accessToken, socket };
}

/** Everybody of the kinds that come into it, in it and out again. */
async function buildGroup(people: People, keep: Keep) {
  const { owner, admin, member, blocked, pawn, rook, left, removed, banned } = people;
  const word = newWord();
  const { id: group } = await owner.call('groups.create', { title: word, description: `About ${word}`, userIds: [admin, member, pawn, rook, left, removed, banned].map(({ id }) => id) });
  await owner.call('groups.appoint', { id: group, userId: admin.id, role: 'admin' });
  await admin.call('groups.add', { id: group, userIds: [blocked.id] });
  await left.call('groups.leave', { id: group });
  await owner.call('groups.expel', { id: group, userId: removed.id });
  await owner.call('groups.ban', { id: group, userId: banned.id });
  const say = async (sender: 'owner' | 'member', text = `${word} said`): Promise<string> => (await people[sender].call('messages.send', { chatId: group, text })).id;
  const said = { owner: await say('owner', `${word} of the owner`), member: await say('member', `${word} of the member`) };
  const notice = (await owner.call('messages.list', { chatId: group, limit: 1, after: 0 })).items[0]?.id ?? '';
  keep(insiders, word, group, said.owner, said.member, notice);
  return { group, word, said, notice, say };
}

async function buildFrozen({ owner, blocked }: People, keep: Keep) {
  const [word, unheardWord] = [newWord(), newWord()];
  const say = async (text: string) => blocked.call('messages.send', { to: owner.id, text });
  const { chatId: frozen, id: kept } = await say(word);
  const { id: amended } = await say(word);
  await owner.call('blocks.create', { userId: blocked.id });
  const { id: unheard } = await say(unheardWord);
  keep(['owner', 'blocked'], word, frozen, kept, amended);
  keep(['blocked'], unheardWord, unheard);
  return { frozen, heard: { kept, amended }, unheard, unheardWord };
}

async function buildOthers(people: People, keep: Keep) {
  const { owner, admin, member, blocked } = people;
  const words = { reserved: newWord(), young: newWord(), early: newWord(), pair: newWord() };
  const { id: reserved } = await owner.call('groups.create', { title: words.reserved, settings: { send: 'admins', add: 'admins', change: 'everyone' }, userIds: [admin.id, member.id] });
  const { id: young } = await owner.call('groups.create', { title: words.young, settings: { history: 'joined' }, userIds: [admin.id] });
  for (const id of [reserved, young]) await owner.call('groups.appoint', { id, userId: admin.id, role: 'admin' });
  const { id: early } = await owner.call('messages.send', { chatId: young, text: words.early });
  await admin.call('groups.add', { id: young, userIds: [member.id, blocked.id] });
  await admin.call('groups.add', { id: reserved, userIds: [blocked.id] });
  const { id: late } = await owner.call('messages.send', { chatId: young, text: 'an answer', replyTo: early });
  const { chatId: pair, id: whispered } = await owner.call('messages.send', { to: member.id, text: words.pair });
  const whisper = async (): Promise<string> => (await owner.call('messages.send', { chatId: pair, text: words.pair })).id;
  keep(insiders, words.reserved, reserved, words.young, young, late);
  keep(['owner', 'admin'], words.early);
  keep(['owner', 'member'], words.pair, pair, whispered);
  const ids = Object.fromEntries(Object.entries(people).map(([name, { id }]) => [name, id])) as Scene['people'];
  const entry = (await owner.call('security.list')).items[0]?.id ?? '';
  keep(['owner'], entry);
  return { reserved, young, early, late, pair, whispered, whisper, people: ids, email: owner.email, entry };
}

/** Pictures, which have small ones as well. */
async function buildFiles(url: string, owner: Person, { group, pair }: Pick<Scene, 'group' | 'pair'>, keep: Keep): Promise<Pick<Scene, 'files' | 'photo'>> {
  const send = async (knownTo: readonly Kind[], chatId?: string): Promise<string> => {
    const word = newWord();
    const { id } = await upload(url, owner, await picture().png().toBuffer(), `${word}.png`);
    if (chatId !== undefined) await owner.call('messages.send', { chatId, fileIds: [id] });
    keep(knownTo, word, id);
    return id;
  };
  const { photo } = await owner.call('users.update', { id: 'me', photo: (await upload(url, owner, await picture().png().toBuffer())).id });
  const { id: coming } = await owner.call('files.create', { name: 'on its way', size: 1 });
  return { files: { group: await send(insiders, group), pair: await send(['owner', 'member'], pair), unused: await send(['owner']), coming }, photo: photo?.small?.split('/').at(-1) ?? '' };
}

const stillOf = ({ said, whispered }: Scene, session: string): Pick<Scene, 'say' | 'whisper' | 'session'> => ({ say: async (sender) => said[sender], whisper: async () => whispered, session: async () => session });

function ghostsOf(scene: Scene): World['ghosts'] {
  const ghostly = <T extends string>(ids: Record<T, string>): Record<T, string> => Object.fromEntries(Object.keys(ids).map((key) => [key, newId()])) as Record<T, string>;
  const newMessage = async (): Promise<string> => randomUUID();
  const messages = { said: { owner: randomUUID(), member: randomUUID() }, notice: randomUUID(), early: randomUUID(), late: randomUUID(), whispered: randomUUID(), heard: { kept: randomUUID(), amended: randomUUID() }, unheard: randomUUID(), say: newMessage, whisper: newMessage };
  const people = { people: ghostly(scene.people), email: `${randomUUID()}@example.org` };
  const { group, reserved, young, pair, frozen, entry, files } = scene;
  const rest = { ...ghostly({ group, reserved, young, pair, frozen, entry }), files: ghostly(files), session: async () => newId() };
  return { everything: { ...scene, ...messages, ...people, ...rest }, messages: { ...scene, ...messages }, people: { ...scene, ...people } };
}

function createHold({ dispatch, mails, person, verified, issuer }: GoogleApp): Hold {
  const newSession: Hold['newSession'] = async ({ email, password }) => (await dispatch.call('auth.login', guest, { email, password })) as Output<'auth.login'>;
  const accounts = new Map<Kind, Promise<Person>>();
  let twofold: Promise<{ person: Person; recoveryCodes: string[] }> | undefined;
  return {
    newSession,
    authenticators: new Map(),
    credential: () => issuer.credential(issuer.account()),
    async link(what, kind) {
      const account = accounts.get(kind) ?? person('Vera');
      accounts.set(kind, account);
      const { email, call } = await account;
      const newEmail = `new-${email}`;
      if (what === 'confirm-email') await call('account.changeEmail', { email: newEmail });
      const { link = '' } = await mails.next(what === 'confirm-email' ? newEmail : email);
      return tokenOf(link);
    },
    async challenge() {
      const { person: one, recoveryCodes } = await (twofold ??= verified('Tove').then(turnOn));
      return { challengeToken: await challengeOf(newSession(one)), code: recoveryCodes.pop() ?? '' };
    },
  };
}

/** From now on this person needs a code as well. */
async function turnOn(person: Person): Promise<{ person: Person; recoveryCodes: string[] }> {
  const authenticator = createAuthenticator((await person.call('totp.enrol')).uri);
  return { person, ...(await person.call('totp.confirm', { code: authenticator.code() })) };
}
