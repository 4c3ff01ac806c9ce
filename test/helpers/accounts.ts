/** People at a server in a process of its own, over HTTP, and what must be true of what they said. */
import assert from 'node:assert/strict';
import type { ServerHome } from './process.ts';
import type { Speaker } from './speaker.ts';
import { until } from './until.ts';

/** Somebody at a server in a process of its own. */
export interface Account {
  id: string;
  token: string;
}

/** A request that has to succeed, at the latest when a store that has just come back answers again. */
export async function request(home: ServerHome, path: string, token?: string, body?: object): Promise<Record<string, unknown>> {
  const options = {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { ...(body && { 'content-type': 'application/json' }), ...(token !== undefined && { authorization: `Bearer ${token}` }) },
  };
  const response = await until(`an answer to ${path}`, async () => {
    const answer = await fetch(home.url + path, options);
    return answer.status === 503 ? undefined : answer;
  });
  assert.ok(response.ok, `${path}: ${response.status}`);
  return (await response.json()) as Record<string, unknown>;
}

export async function register(home: ServerHome, firstName: string): Promise<Account> {
  const answer = await request(home, '/auth/register', undefined, { email: `${firstName}@example.org`, password: 'correct horse', firstName });
  return { id: (answer['user'] as { id: string }).id, token: answer['accessToken'] as string };
}

/** The log of the chat, read afresh, is what the speakers were told: nothing lost, nothing twice, nobody out of order. */
export async function requireWhole(home: ServerHome, chatId: string, reader: Account, speakers: readonly Speaker[]): Promise<void> {
  const stored: { id: string; seq: number }[] = [];
  for (let more = true; more; ) {
    const page = await request(home, `/message?chatId=${chatId}&limit=100&after=${stored.length}`, reader.token);
    stored.push(...(page['items'] as { id: string; seq: number }[]));
    more = page['more'] as boolean;
  }
  assert.deepEqual(stored.map(({ seq }) => seq), stored.map((_, index) => index + 1), 'the numbers are dense');
  assert.equal(new Set(stored.map(({ id }) => id)).size, stored.length, 'no message is there twice');
  const seqOf = new Map(stored.map(({ id, seq }) => [id, seq]));
  for (const { said, acknowledged } of speakers) {
    for (const [id, seq] of acknowledged) assert.equal(seqOf.get(id), seq, 'what was acknowledged is there, with its number');
    const order = said.map((id) => seqOf.get(id) ?? 0);
    assert.deepEqual(order, order.toSorted((a, b) => a - b), 'the order of speaking is kept');
  }
  assert.equal(stored.length, speakers.reduce((sum, { said }) => sum + said.length, 0));
}
