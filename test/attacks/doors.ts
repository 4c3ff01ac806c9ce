/** What a stranger can ask that has to do with whether an address has an account. */
import assert from 'node:assert/strict';
import type { TestApp } from '../helpers/app.ts';
import { ask, type Answer } from '../transports/ask.ts';

export interface Door {
  path: string;
  /** What is sent about an address. */
  json: (email: string) => object;
  /** The status of every answer. */
  status: number;
}

export const doors: Door[] = [
  { path: '/auth/login', json: (email) => ({ email, password: 'wrong horse' }), status: 401 },
  { path: '/auth/send-reset-email', json: (email) => ({ email }), status: 204 },
  { path: '/user/me/email', json: (email) => ({ email }), status: 204 },
];

/** Somebody who knocks at a door, about the address given. */
export async function knocker({ url, verified }: TestApp, { path, json, status }: Door): Promise<(email: string) => Promise<Answer>> {
  const { accessToken: token } = await verified('Mallory');
  return async (email) => {
    const answer = await ask(url, path, { method: 'POST', token, json: json(email) });
    assert.equal(answer.status, status);
    return answer;
  };
}
