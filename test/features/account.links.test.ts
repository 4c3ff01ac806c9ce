/** Links in mails, of every kind: each good once, for a time, for one thing, and for an account that is there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildMailedApp, hashOf, twentyAtOnce, type LinkPath, type MailedApp } from '../helpers/mailed.ts';
import type { Person } from '../helpers/people.ts';

interface Link {
  path: LinkPath;
  operation: string;
  minutes: number;
  /** Somebody who has such a link, and its token. */
  obtain: (app: MailedApp) => Promise<{ owner: Person; token: string }>;
}

const day = 24 * 60;
const newAddress = 'new@example.org';

async function requestChange(app: MailedApp): Promise<{ owner: Person; token: string }> {
  const owner = await app.verified('Ann');
  await owner.call('account.changeEmail', { email: newAddress });
  return { owner, token: await app.readToken(newAddress, '/confirm-email') };
}

const links: Link[] = [
  {
    path: '/verify-email',
    operation: 'account.verifyEmail',
    minutes: 3 * day,
    async obtain(app) {
      const owner = await app.person('Ann');
      return { owner, token: await app.readToken(owner.email, '/verify-email') };
    },
  },
  { path: '/confirm-email', operation: 'account.confirmEmail', minutes: day, obtain: requestChange },
  {
    path: '/undo',
    operation: 'account.undo',
    minutes: 7 * day,
    async obtain(app) {
      const { owner, token } = await requestChange(app);
      await app.ask('account.confirmEmail', { token });
      return { owner, token: await app.readToken(owner.email, '/undo') };
    },
  },
  {
    path: '/reset-password',
    operation: 'account.resetPassword',
    minutes: 30,
    async obtain(app) {
      const owner = await app.verified('Ann');
      await app.ask('account.sendResetEmail', { email: owner.email });
      return { owner, token: await app.readToken(owner.email, '/reset-password') };
    },
  },
];

const follow = (app: MailedApp, operation: string, token: string): Promise<unknown> =>
  app.ask(operation, { token, ...(operation === 'account.resetPassword' && { password: 'an even better horse' }) });

for (const { path, operation, minutes, obtain } of links) {
  test(`${path}: the link is good once`, async (t) => {
    const app = await buildMailedApp(t);
    const { token } = await obtain(app);
    await follow(app, operation, token);
    await assert.rejects(follow(app, operation, token), { code: 'LINK_EXPIRED' });
  });

  test(`${path}: of 20 who follow the link at once exactly one succeeds`, async (t) => {
    const app = await buildMailedApp(t);
    const { token } = await obtain(app);
    const { succeeded, codes } = await twentyAtOnce(() => follow(app, operation, token));
    assert.equal(succeeded.length, 1);
    assert.deepEqual(codes, ['LINK_EXPIRED']);
  });

  test(`${path}: the store has the hash of the token, the time for which it is good, and nothing after it was used`, async (t) => {
    const app = await buildMailedApp(t);
    const { token } = await obtain(app);
    const tokens = app.store.collection<{ hash: string; expiresAt: Date }>('tokens');
    const stored = await tokens.findOne({ hash: hashOf(token) });
    const left = ((stored?.expiresAt.getTime() ?? 0) - Date.now()) / 60_000;
    assert.ok(left <= minutes && left > minutes - 2, `${left} minutes`);
    await follow(app, operation, token);
    assert.equal(await tokens.countDocuments({ hash: hashOf(token) }), 0);
  });

  test(`${path}: a link that is too old is refused`, async (t) => {
    const app = await buildMailedApp(t);
    const { token } = await obtain(app);
    await app.store.collection('tokens').updateMany({}, { $set: { expiresAt: new Date(Date.now() - 1) } });
    await assert.rejects(follow(app, operation, token), { code: 'LINK_EXPIRED' });
  });

  test(`${path}: a token of another purpose is refused, and stays good for its own`, async (t) => {
    const app = await buildMailedApp(t);
    const { token } = await obtain(app);
    for (const other of links) {
      if (other.path !== path) await assert.rejects(follow(app, other.operation, token), { code: 'LINK_EXPIRED' }, other.path);
    }
    await assert.rejects(app.ask('auth.verifySecondFactor', { challengeToken: token, code: '123456' }), { code: 'CHALLENGE_EXPIRED' });
    await follow(app, operation, token);
  });

  test(`${path}: a token that was never given is refused`, async (t) => {
    const app = await buildMailedApp(t);
    const { token } = await obtain(app);
    for (const wrong of [token.slice(1), `${token}x`, `${token} `, token.toLowerCase() === token ? token.toUpperCase() : token.toLowerCase(), hashOf(token), '.*', '{"$ne":1}']) {
      await assert.rejects(follow(app, operation, wrong), { code: 'LINK_EXPIRED' }, wrong);
    }
    await assert.rejects(app.ask(operation, { token: { $ne: '' }, password: 'an even better horse' }), { code: 'VALIDATION_FAILED' });
    await follow(app, operation, token);
  });

  test(`${path}: with its account a link is gone`, async (t) => {
    const app = await buildMailedApp(t);
    const { owner, token } = await obtain(app);
    await owner.call('account.remove', { password: owner.password });
    await assert.rejects(follow(app, operation, token), { code: 'LINK_EXPIRED' });
    assert.equal(await app.store.collection('users').countDocuments({ email: { $exists: true } }), 0, 'nothing of it has come back');
  });
}
