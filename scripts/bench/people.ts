/** The people of the benchmark: signed up once, with chats of their own, all through the public API. */
import pLimit from 'p-limit';
import { idlePairCount, pairCount } from './target.ts';

/** Access tokens are good for a quarter of an hour, which is longer than they are used: whoever reads signs up for that. */
export interface Person {
  id: string;
  accessToken: string;
}

/** Two people with a chat of their own. */
export interface Couple {
  chatId: string;
  sender: Person;
  receiver: Person;
}

export interface Crowd {
  couples: Couple[];
  /** One chat of everybody in the couples. */
  groupId: string;
  /** Others, who only listen. */
  bystanders: Couple[];
}

/** As many at once as the server hashes passwords. */
const limit = pLimit(4);

export async function signUpCrowd(origin: string): Promise<Crowd> {
  const couples = await Promise.all(Array.from({ length: pairCount }, (_, index) => signUpCouple(origin, `pair${index}`)));
  const bystanders = await Promise.all(Array.from({ length: idlePairCount }, (_, index) => signUpCouple(origin, `idle${index}`)));
  const [owner, ...others] = peopleOf(couples);
  if (!owner) throw new Error('there is nobody to make a group');
  const groupId = await makeGroup(origin, owner, others.map(({ id }) => id));
  return { couples, groupId, bystanders };
}

export const peopleOf = (couples: readonly Couple[]): Person[] => couples.flatMap(({ sender, receiver }) => [sender, receiver]);

export async function signUpCouple(origin: string, name: string): Promise<Couple> {
  const [sender, receiver] = await Promise.all([signUp(origin, `${name}-sender`), signUp(origin, `${name}-receiver`)]);
  return { chatId: await openChat(origin, sender, receiver.id), sender, receiver };
}

export async function signUp(origin: string, name: string): Promise<Person> {
  const { user, accessToken } = await limit(async () =>
    (await post(`${origin}/auth/register`, { email: `${name}@example.com`, password: 'quite a long one', firstName: name, refresh: 'body' })) as { user: { id: string }; accessToken: string });
  return { id: user.id, accessToken };
}

export const openChat = async (origin: string, person: Person, otherId: string): Promise<string> => idOf(await post(`${origin}/chat`, { userId: otherId }, person));

export const makeGroup = async (origin: string, owner: Person, userIds: readonly string[]): Promise<string> =>
  idOf(await post(`${origin}/chat/group`, { title: 'A group', userIds }, owner));

const idOf = (made: unknown): string => (made as { id: string }).id;

export const post = (url: string, body: object, person?: Person): Promise<unknown> => request(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, person);

export const get = (url: string, person: Person): Promise<unknown> => request(url, { method: 'GET' }, person);

async function request(url: string, { headers, ...how }: { method: string; headers?: Record<string, string>; body?: string }, person?: Person): Promise<unknown> {
  const response = await fetch(url, { ...how, headers: { ...headers, ...(person && { authorization: `Bearer ${person.accessToken}` }) } });
  if (!response.ok) throw new Error(`${how.method} ${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
