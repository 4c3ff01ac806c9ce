/** Undoing while a thief does something in the same moment: the owner's link, that of the earlier change, has the last word. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountParts } from '../../src/features/account/account.service.ts';
import { createUndo } from '../../src/features/account/account.undo.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue, type MailQueue } from '../../src/features/mails/mails.service.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { userModel } from '../../src/features/users/user.model.ts';
import { nowhere } from '../helpers/files.ts';
import { startIssuer } from '../helpers/issuer.ts';
import { buildMailedApp, comeUp, nextToken, putOff, type MailedApp } from '../helpers/mailed.ts';
import { guest, type Person } from '../helpers/people.ts';
import { silentBus } from '../helpers/silent.bus.ts';


/** Changes the address of an account; gives the token of the link that undoes it. */
async function moveTo(app: MailedApp, { call }: Person, address: string, before: string): Promise<string> {
  await call('account.changeEmail', { email: address });
  await app.ask('account.confirmEmail', { token: await app.readToken(address, '/confirm-email') });
  return app.readToken(before, '/undo');
}

/** Undoes in a process in which something else happens right before or after the account is first looked at. */
async function undoWhile(app: MailedApp, token: string, act: () => Promise<unknown>, moment: 'before' | 'after' = 'after', mails: Partial<MailQueue> = { enqueue: async () => undefined }): Promise<unknown> {
  const credentials = createCredentialsService({ users: userModel(app.store), bus: silentBus, photoAddress: nowhere });
  let acted: Promise<unknown> | undefined;
  const parts = {
    credentials: {
      ...credentials,
      async find(by: Parameters<typeof credentials.find>[0]) {
        if (moment === 'before') await (acted ??= act());
        const found = await credentials.find(by);
        await (acted ??= act());
        return found;
      },
    },
    tokens: createTokensService(tokenModel(app.store)),
    security: createSecurityService(securityModel(app.store)),
    sessions: app.services.sessions,
    mails,
  };
  return createUndo(parts as unknown as AccountParts).undo(guest, { token });
}

const storedUser = async ({ store }: MailedApp, email: string) => store.collection('users').findOne({ email });

test('a thief who undoes in the moment in which the owner does, as soon as his socket is closed, wins nothing', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const mine = await moveTo(app, ann, 'thief@example.org', ann.email);
  const his = await moveTo(app, ann, 'thief.too@example.org', 'thief@example.org');
  const socket = await ann.socket();
  const thief = socket.closed.then(() => app.ask('account.undo', { token: his }));
  await Promise.all([app.ask('account.undo', { token: mine }), assert.rejects(thief, { code: 'LINK_EXPIRED' })]);
  assert.ok(await storedUser(app, ann.email));
});

for (const moment of ['before', 'after'] as const) {
  test(`a thief whose undoing was ${moment} its look at the account when the owner undid an earlier change is too late`, async (t) => {
    const app = await buildMailedApp(t);
    const ann = await app.verified('Ann');
    const mine = await moveTo(app, ann, 'thief@example.org', ann.email);
    const his = await moveTo(app, ann, 'thief.too@example.org', 'thief@example.org');
    await assert.rejects(undoWhile(app, his, () => app.ask('account.undo', { token: mine }), moment), { code: 'LINK_EXPIRED' });
    assert.ok(await storedUser(app, ann.email));
  });
}

test('an owner whose undoing had begun before a thief undid a later change has the last word', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const mine = await moveTo(app, ann, 'thief@example.org', ann.email);
  const his = await moveTo(app, ann, 'thief.too@example.org', 'thief@example.org');
  await undoWhile(app, mine, () => app.ask('account.undo', { token: his }));
  assert.ok(await storedUser(app, ann.email));
});

test('a way in that is added while an undoing is under way is gone after it', async (t) => {
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const [ann, bob] = [await app.verified('Ann'), await app.verified('Bob')];
  const google = async ({ call }: Person): Promise<unknown> => call('account.linkGoogle', { credential: issuer.credential(issuer.account()) });
  for (const [person, add] of [[ann, google], [bob, app.turnOnSecondFactor]] as const) {
    const token = await moveTo(app, person, `thief.of.${person.email}`, person.email);
    await undoWhile(app, token, () => add(person));
    const { googleId, secondFactor } = (await storedUser(app, person.email)) ?? assert.fail('the address is not back');
    assert.deepEqual([googleId, secondFactor], [undefined, undefined]);
  }
});

test('a thief whose change was made in a process whose clock is behind does not come before the owner', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  const issuer = await startIssuer(t);
  const app = await buildMailedApp(t, { env: issuer.env });
  const ann = await app.verified('Ann');
  const mine = await moveTo(app, ann, 'thief@example.org', ann.email);
  t.mock.timers.setTime(Date.now() - 1000);
  await ann.call('account.linkGoogle', { credential: issuer.credential(issuer.account()) });
  t.mock.timers.setTime(Date.now() + 2000);
  const his = await app.readToken('thief@example.org', '/undo');
  await app.ask('account.undo', { token: mine });
  await assert.rejects(app.ask('account.undo', { token: his }), { code: 'LINK_EXPIRED' });
});

test('a mail that still waits when the owner undoes brings a thief no link', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const mine = await moveTo(app, ann, 'thief@example.org', ann.email);
  await ann.call('account.changeEmail', { email: 'thief.too@example.org' });
  const token = await app.readToken('thief.too@example.org', '/confirm-email');
  app.box.refuse(450);
  await app.ask('account.confirmEmail', { token });
  await putOff(app);
  app.box.unrefuse();
  await app.ask('account.undo', { token: mine });
  await comeUp(app);
  assert.deepEqual((await app.settled()).filter(({ recipients, link }) => recipients.includes('thief@example.org') && link?.includes('/undo')), []);
});

test('a thief who undoes a change of his own does not stop the link about an earlier one, which is still to come', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await ann.call('account.changeEmail', { email: 'thief@example.org' });
  const first = await app.readToken('thief@example.org', '/confirm-email');
  app.box.refuse(450);
  await app.ask('account.confirmEmail', { token: first });
  await putOff(app);
  app.box.unrefuse();
  const his = await moveTo(app, ann, 'thief.too@example.org', 'thief@example.org');
  await app.ask('account.undo', { token: his });
  await comeUp(app);
  await app.ask('account.undo', { token: await app.readToken(ann.email, '/undo') });
  assert.ok(await storedUser(app, ann.email));
});

test('a server that dies in the middle of an undoing leaves the link as it was, and one mail for a new password is sent in the end', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await moveTo(app, ann, 'thief@example.org', ann.email);
  const queue = createMailQueue(mailModel(app.store), (error) => assert.fail(String(error)));
  for (const dies of ['before', 'after']) {
    const enqueue = async (job: Parameters<typeof queue.enqueue>[0]): Promise<void> => {
      if (dies === 'after') await queue.enqueue(job);
      throw new Error('the server is killed');
    };
    await assert.rejects(undoWhile(app, token, async () => undefined, 'after', { ...queue, enqueue }), /killed/);
  }
  await app.ask('account.undo', { token });
  const links = (await app.settled()).flatMap(({ link }) => (link?.includes('/reset-password') ? [link] : []));
  assert.equal(links.length, 1);
  await app.ask('account.resetPassword', { token: new URL(links[0] ?? '').searchParams.get('token'), password: 'an even better horse' });
});

const resetLinks = async (app: MailedApp): Promise<string[]> => (await app.settled()).flatMap(({ link }) => (link?.includes('/reset-password') ? [new URL(link).searchParams.get('token') ?? ''] : []));

test('a link that undoes, followed again before it was used up, undoes no new password', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await moveTo(app, ann, 'thief@example.org', ann.email);
  const queue = createMailQueue(mailModel(app.store), (error) => assert.fail(String(error)));
  const enqueue = async (job: Parameters<typeof queue.enqueue>[0]): Promise<never> => queue.enqueue(job).then(() => assert.fail('the server is killed'));
  await assert.rejects(undoWhile(app, token, async () => undefined, 'after', { enqueue }), /killed/);
  const [link] = await resetLinks(app);
  await app.ask('account.resetPassword', { token: link, password: 'an even better horse' });
  await app.ask('account.undo', { token });
  await app.login(ann.email, 'an even better horse');
});

test('a link that undoes, followed twice in the same moment, brings one mail whose link is good, and one entry', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await moveTo(app, ann, 'thief@example.org', ann.email);
  // The other one is complete, and its mail sent, when the first comes to change the account.
  await undoWhile(app, token, async () => app.ask('account.undo', { token }).then(app.settled)).catch(() => undefined);
  const links = await resetLinks(app);
  assert.equal(links.length, 1);
  assert.equal(await app.store.collection('security').countDocuments({ kind: 'changes-undone' }), 1);
  await app.ask('account.resetPassword', { token: links[0], password: 'an even better horse' });
});

test('20 who follow a link that undoes at once leave one entry', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await moveTo(app, ann, 'thief@example.org', ann.email);
  await Promise.allSettled(Array.from({ length: 20 }, () => app.ask('account.undo', { token })));
  assert.equal(await app.store.collection('security').countDocuments({ kind: 'changes-undone' }), 1);
});

test('a change after an undoing brings a link that undoes it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  await app.ask('account.undo', { token: await moveTo(app, ann, 'thief@example.org', ann.email) });
  await app.ask('account.resetPassword', { token: await app.readToken(ann.email, '/reset-password'), password: 'an even better horse' });
  const caller = await app.services.sessions.authenticate((await app.login(ann.email, 'an even better horse')).accessToken, guest);
  await app.dispatch.call('account.changeEmail', caller, { email: 'thief.too@example.org' });
  await app.ask('account.confirmEmail', { token: await app.readToken('thief.too@example.org', '/confirm-email') });
  await app.settled();
  await app.ask('account.undo', { token: await nextToken(app, ann.email, '/undo') });
  assert.ok(await storedUser(app, ann.email));
});

test('what a mail tells of is undone also where the mail is stored anew after it', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const mine = await moveTo(app, ann, 'thief@example.org', ann.email);
  await app.settled();
  const queue = createMailQueue(mailModel(app.store), (error) => assert.fail(String(error)));
  const sent = app.box.received.length;
  await queue.telling({ kind: 'google-linked', userId: ann.id, to: 'thief@example.org' }, async () => {
    await app.store.collection('users').updateMany({}, { $set: { googleId: 'his', googleLinkedAt: new Date() } });
    // Whoever made the change stalls until the mail is due.
    await app.ask('account.undo', { token: mine });
    await comeUp(app);
    await app.settled();
  });
  await app.store.collection('users').updateMany({}, { $set: { googleId: 'his' } });
  assert.deepEqual((await app.settled()).slice(sent).filter(({ recipients }) => recipients.includes('thief@example.org')), []);
});

test('a mail about an undoing does not go to an address that is no longer that of the account', async (t) => {
  const app = await buildMailedApp(t);
  const ann = await app.verified('Ann');
  const token = await moveTo(app, ann, 'thief@example.org', ann.email);
  app.box.refuse(450);
  await app.ask('account.undo', { token });
  await putOff(app);
  app.box.unrefuse();
  await app.store.collection('users').updateMany({}, { $set: { email: 'ann.new@example.org' } });
  const sent = app.box.received.length;
  await comeUp(app);
  assert.equal((await app.settled()).length, sent);
});
