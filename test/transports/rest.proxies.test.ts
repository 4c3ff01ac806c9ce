/** Whose word on the address of a client is taken. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { buildTestApp, connect } from '../helpers/app.ts';
import { ask } from './ask.ts';

/** The address that is stored with the session of somebody who signs up with this header. */
async function storedIp(t: TestContext, forwardedFor: string, proxies?: string): Promise<string | undefined> {
  const { url, mongodbUri } = await buildTestApp(t, { env: { ...(proxies !== undefined && { TRUSTED_PROXIES: proxies }) } });
  const json = { email: 'ann@example.org', password: 'correct horse', firstName: 'Ann' };
  assert.equal((await ask(url, '/auth/register', { method: 'POST', json, headers: { 'x-forwarded-for': forwardedFor } })).status, 201);
  const connection = await connect(t, mongodbUri);
  const [session, ...others] = await connection.collection<{ ip: string }>('sessions').find().toArray();
  assert.equal(others.length, 0);
  return session?.ip;
}

test('X-Forwarded-For changes nothing where no proxy is trusted', async (t) => {
  assert.equal(await storedIp(t, '203.0.113.7'), '127.0.0.1');
});

test('X-Forwarded-For changes nothing when it comes from elsewhere than a trusted proxy', async (t) => {
  assert.equal(await storedIp(t, '203.0.113.7', '10.0.0.1, 192.168.0.0/16'), '127.0.0.1');
});

test('a trusted proxy says whom it asks for', async (t) => {
  assert.equal(await storedIp(t, '203.0.113.7', '127.0.0.0/8'), '203.0.113.7');
  assert.equal(await storedIp(t, '2001:db8::7', '127.0.0.1'), '2001:db8::7');
});

test('of what a trusted proxy says a port is left out, and what is no address is not believed', async (t) => {
  assert.equal(await storedIp(t, '203.0.113.7:4711', '127.0.0.1'), '203.0.113.7');
  assert.equal(await storedIp(t, '[2001:db8::7]:4711', '127.0.0.1'), '2001:db8::7');
  for (const nonsense of ['<script>', 'unknown', 'a'.repeat(3000)]) assert.equal(await storedIp(t, nonsense, '127.0.0.1'), '127.0.0.1', nonsense);
});

test('of a chain the last hop that is not trusted counts, whatever was claimed before it', async (t) => {
  assert.equal(await storedIp(t, '198.51.100.1, 203.0.113.7', '127.0.0.1'), '203.0.113.7');
  assert.equal(await storedIp(t, '127.0.0.1, 198.51.100.1, 203.0.113.7, 10.1.2.3', '127.0.0.1, 10.0.0.0/8'), '203.0.113.7');
});
