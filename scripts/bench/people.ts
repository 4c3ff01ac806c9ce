/** The people of the benchmark: signed up once, each pair with a chat of its own. */
import pLimit from 'p-limit';
import { pairCount } from './target.ts';

export interface Couple {
  chatId: string;
  /** Access tokens; they are good for a quarter of an hour, which is longer than a run. */
  sender: string;
  receiver: string;
}

interface SignedIn {
  user: { id: string };
  accessToken: string;
}

/** As many at once as the server hashes passwords. */
const limit = pLimit(4);

export async function signUpCouples(origin: string): Promise<Couple[]> {
  return Promise.all(
    Array.from({ length: pairCount }, async (_, index) => {
      const [sender, receiver] = await Promise.all([signUp(origin, `sender${index}`), signUp(origin, `receiver${index}`)]);
      const { id: chatId } = (await post(`${origin}/chat`, { userId: receiver.user.id }, sender.accessToken)) as { id: string };
      return { chatId, sender: sender.accessToken, receiver: receiver.accessToken };
    }),
  );
}

const signUp = (origin: string, name: string): Promise<SignedIn> =>
  limit(async () => (await post(`${origin}/auth/register`, { email: `${name}@example.com`, password: 'quite a long one', firstName: name, refresh: 'body' })) as SignedIn);

async function post(url: string, body: object, token?: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
