/** Wishes for another address: the last one of a session counts, for as long as what signed in then still does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEmailChanges } from '../../src/features/account/account.email.ts';
import type { AccountParts } from '../../src/features/account/account.service.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { createNoticesService, type Notice } from '../../src/features/users/notices.service.ts';
import { userModel } from '../../src/features/users/user.model.ts';
import { nowhere } from '../helpers/files.ts';
import { startIssuer } from '../helpers/issuer.ts';
import { buildMailedApp, comeUp, putOff, type MailedApp } from '../helpers/mailed.ts';
import { guest } from '../helpers/people.ts';
import { silentBus } from '../helpers/silent.bus.ts';

const right = 'right@example.org';

/** Another process on the same store. */
function processOf({ store, services }: MailedApp) {
  const security = createSecurityService(securityModel(store));
  return {
    credentials: createCredentialsService({ users: userModel(store), bus: silentBus, photoAddress: nowhere }),
    tokens: createTokensService(tokenModel(store)),
    security,
    sessions: services.sessions,
    notices: createNoticesService({ mails: createMailQueue(mailModel(store), (error) => assert.fail(String(error))), security, onError: (error) => assert.fail(String(error)) }),
  };
}

const confirmIn = (parts: object, token: string): Promise<unknown> => createEmailChanges(parts as AccountParts).confirmEmail(guest, { token });

test('an earlier wish whose mail comes up again is over, and does not end the link of the later one', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  app.box.refuse(450);
  await ann.call('account.changeEmail', { email: 'tipo@example.org' });
  await putOff(app);
  app.box.unrefuse();
  await ann.call('account.changeEmail', { email: right });
  const token = await app.readToken(right, '/confirm-email');
  await comeUp(app);
  assert.equal((await app.settled()).some(({ recipients }) => recipients.includes('tipo@example.org')), false);
  await app.ask('account.confirmEmail', { token });
});

test('the wish of a thief that comes up again while his session lasts does not end the link of the owner', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const { accessToken } = await app.login(ann.email, ann.password);
  app.box.refuse(450);
  await app.dispatch.call('account.changeEmail', await app.services.sessions.authenticate(accessToken, guest), { email: 'thief@example.org' });
  await putOff(app);
  app.box.unrefuse();
  await ann.call('account.changeEmail', { email: right });
  const token = await app.readToken(right, '/confirm-email');
  await comeUp(app);
  await app.settled();
  await app.ask('account.confirmEmail', { token });
});

test('what a wish does to the link of an earlier one does not tell whether the address has an account', async (t) => {
  const app = await buildMailedApp(t);
  const victim = await app.verified('Victim');
  for (const address of [victim.email, 'nobody@example.org']) {
    const mallory = await app.verified('Mallory');
    const own = `own.${mallory.id}@example.org`;
    await mallory.call('account.changeEmail', { email: own });
    const token = await app.readToken(own, '/confirm-email');
    await mallory.call('account.changeEmail', { email: address });
    await app.settled();
    await assert.rejects(app.ask('account.confirmEmail', { token }), { code: 'LINK_EXPIRED' });
  }
});

test('a wish is over with what signed in then, also if that ends in the very moment', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  await ann.call('account.linkGoogle', { credential: issuer.credential(issuer.account()) });
  await ann.call('account.changeEmail', { email: right });
  const token = await app.readToken(right, '/confirm-email');
  const parts = processOf(app);
  const telling = async (notice: Notice, change: (id: string) => Promise<unknown>): Promise<unknown> => ann.call('account.unlinkGoogle').then(() => parts.notices.telling(notice, change));
  await assert.rejects(confirmIn({ ...parts, notices: { ...parts.notices, telling } }, token), { code: 'LINK_EXPIRED' });
  assert.equal((await ann.call('users.me')).email, ann.email);
});

test('an address that is verified in the moment in which it changes is told of it, or stays', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.person('Ann');
  const verify = await app.readToken(ann.email, '/verify-email');
  await ann.call('account.changeEmail', { email: right });
  const token = await app.readToken(right, '/confirm-email');
  const parts = processOf(app);
  const find: typeof parts.credentials.find = async (by) => {
    const found = await parts.credentials.find(by);
    await app.ask('account.verifyEmail', { token: verify });
    return found;
  };
  await assert.rejects(confirmIn({ ...parts, credentials: { ...parts.credentials, find } }, token), { code: 'LINK_EXPIRED' });
  await app.ask('account.confirmEmail', { token });
  assert.match((await app.box.next(ann.email)).link ?? '', /undo/);
});

test('whoever comes back to an earlier wish does not bring back its link, whether or not somebody has the address in between', async (t) => {
  const app = await buildMailedApp(t);
  const victim = await app.verified('Victim');
  for (const address of [victim.email, 'nobody@example.org']) {
    const mallory = await app.verified('Mallory');
    const own = `own.${mallory.id}@example.org`;
    let token = '';
    // As often as mails are sent to an address.
    for (let count = 0; count < 5; count++) {
      await mallory.call('account.changeEmail', { email: own });
      token = await app.readToken(own, '/confirm-email');
    }
    for (const email of [address, own]) {
      await mallory.call('account.changeEmail', { email });
      await app.settled();
    }
    await assert.rejects(app.ask('account.confirmEmail', { token }), { code: 'LINK_EXPIRED' });
  }
});

test('no further mail is sent about a wish that has come true', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  app.box.refuse(450);
  await ann.call('account.changeEmail', { email: right });
  await putOff(app);
  app.box.unrefuse();
  await ann.call('account.changeEmail', { email: right });
  await app.ask('account.confirmEmail', { token: await app.readToken(right, '/confirm-email') });
  await app.box.next(ann.email);
  const sent = app.box.received.length;
  await comeUp(app);
  assert.equal((await app.settled()).length, sent);
});
