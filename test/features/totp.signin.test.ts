/** The second step of a sign-in: asked for whatever the first was, its codes and its tokens good once each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { addressOf, inTurn } from '../helpers/guesses.ts';
import { toMember, tokenOf, type Member } from '../helpers/google.ts';
import { guest } from '../helpers/people.ts';
import { buildTwofold, challengeOf, email, wrongCode } from '../helpers/twofold.ts';

const many = Array.from({ length: 20 }, (_, index) => index);

const kindsOf = async ({ call }: Member): Promise<string[]> => (await call('security.list', { limit: 100 })).items.map(({ kind }) => kind).reverse();
const codesOf = (outcomes: PromiseSettledResult<unknown>[]): string[] => outcomes.map((outcome) => (outcome.status === 'fulfilled' ? 'in' : (outcome.reason as { code: string }).code));

test('a sign-in by password needs a code', async (t) => {
  const scene = await buildTwofold(t);
  const before = (await scene.ann.call('sessions.list')).items.length;
  const challengeToken = await scene.challenge();
  assert.equal((await scene.ann.call('sessions.list')).items.length, before, 'no session before it');
  const member = await toMember(scene, await scene.verify(challengeToken, scene.newCode()));
  assert.equal(member.id, scene.ann.id);
  assert.equal((await member.call('security.list')).items[0]?.detail, 'password, code');
  await assert.rejects(scene.dispatch.call('auth.login', guest, { email, password: 'wrong horse battery' }), { code: 'WRONG_CREDENTIALS' });
});

test('a sign-in with Google needs a code', async (t) => {
  const scene = await buildTwofold(t);
  const { issuer, signIn, verify, newCode } = scene;
  const account = issuer.account({ email });
  const member = await toMember(scene, await verify(await challengeOf(signIn(account)), newCode()));
  assert.equal(member.id, scene.ann.id);
  assert.equal((await member.call('security.list')).items[0]?.detail, 'google, code');
});

test('a code is good once, also the one that switched it on, and none before it is good any more', async (t) => {
  const { authenticator, challenge, verify, newCode } = await buildTwofold(t);
  await assert.rejects(verify(await challenge(), authenticator.code()), { code: 'WRONG_CODE' });
  const code = newCode();
  await verify(await challenge(), code);
  for (const old of [code, authenticator.code(-1)]) await assert.rejects(verify(await challenge(), old), { code: 'WRONG_CODE' });
  await verify(await challenge(), newCode());
});

test('of twenty uses of one code at once exactly one gets in', async (t) => {
  const { challenge, verify, newCode } = await buildTwofold(t);
  const challenges = await Promise.all(many.map(challenge));
  const code = newCode();
  const outcomes = codesOf(await Promise.allSettled(challenges.map((challengeToken) => verify(challengeToken, code))));
  assert.deepEqual(outcomes.toSorted(), [...many.slice(1).map(() => 'WRONG_CODE'), 'in']);
});

test('a wrong code is refused, whatever it looks like, and is in the log', async (t) => {
  const { ann, authenticator, challenge, verify, newCode } = await buildTwofold(t);
  const challengeToken = await challenge();
  for (const wrong of [authenticator.code(-3), authenticator.code(3), `${authenticator.code(1)}0`, ` ${authenticator.code(1)}`, 'abcdef', wrongCode, '{"$ne":""}', '      ']) await assert.rejects(verify(challengeToken, wrong), { code: 'WRONG_CODE' });
  assert.ok((await kindsOf(ann)).includes('second-factor-failed'));
  await verify(challengeToken, newCode());
});

test('each recovery code is good once instead of a code, however it is written, and is in the log', async (t) => {
  const { ann, challenge, verify, recoveryCodes } = await buildTwofold(t);
  const written = [(code: string) => code, (code: string) => code.toUpperCase(), (code: string) => code.replace('-', ''), (code: string) => ` ${code.replace('-', ' ')} `, (code: string) => code.replaceAll('0', 'o').replaceAll('1', 'l')];
  for (const [index, code] of recoveryCodes.entries()) {
    const write = written[index % written.length] ?? String;
    await verify(await challenge(), write(code));
    const again = await challenge();
    for (const spelling of [code, write(code)]) await assert.rejects(verify(again, spelling), { code: 'WRONG_CODE' });
  }
  assert.equal((await kindsOf(ann)).filter((kind) => kind === 'recovery-code-used').length, 10);
});

test('of twenty uses of one recovery code at once exactly one gets in', async (t) => {
  const { challenge, verify, recoveryCodes } = await buildTwofold(t);
  const challenges = await Promise.all(many.map(challenge));
  const outcomes = codesOf(await Promise.allSettled(challenges.map((challengeToken) => verify(challengeToken, recoveryCodes[0] ?? ''))));
  assert.equal(outcomes.filter((outcome) => outcome === 'in').length, 1);
});

test('the token for the second step is good once, for five minutes, and for a second step only', async (t) => {
  const { challenge, verify, recoveryCodes, mongodbUri, dispatch, newCode } = await buildTwofold(t);
  const [first = '', second = '', third = ''] = recoveryCodes;
  const used = await challenge();
  await verify(used, newCode());
  await assert.rejects(verify(used, newCode()), { code: 'CHALLENGE_EXPIRED' });

  const raced = await challenge();
  assert.equal(codesOf(await Promise.allSettled([first, second].map((code) => verify(raced, code)))).filter((outcome) => outcome === 'in').length, 1);

  const late = await challenge();
  await (await connect(t, mongodbUri)).collection('tokens').updateMany({ _id: { $regex: '^second-factor:' } as never }, { $set: { expiresAt: new Date(Date.now() - 1) } });
  await assert.rejects(verify(late, third), { code: 'CHALLENGE_EXPIRED' });
  for (const wrong of ['x', `${await challenge()}x`]) await assert.rejects(verify(wrong, newCode()), { code: 'CHALLENGE_EXPIRED' });
  await assert.rejects(dispatch.call('account.resetPassword', guest, { token: await challenge(), password: 'another horse battery' }), { code: 'LINK_EXPIRED' });
  await verify(await challenge(), third);
});

test('the token of one account is no good with the code of another', async (t) => {
  const { challenge, verify, signUp, newCode } = await buildTwofold(t);
  const bob = await signUp('bob@example.org', { verified: true });
  const { uri } = await bob.call('totp.enrol');
  const { recoveryCodes } = await bob.call('totp.confirm', { code: createAuthenticator(uri).code(-1) });
  const challengeToken = await challenge();
  for (const code of [createAuthenticator(uri).code(), recoveryCodes[0] ?? '']) await assert.rejects(verify(challengeToken, code), { code: 'WRONG_CODE' });
  await verify(challengeToken, newCode());
});

test('wrong codes are limited, also over several tokens; the right one must wait, too', async (t) => {
  const { challenge, verify, newCode } = await buildTwofold(t, { RATE_SCALE: '1' });
  const challenges = [await challenge(), await challenge()];
  const outcomes: string[] = [];
  for (let guess = 0; guess < 6; guess++) outcomes.push(...codesOf(await Promise.allSettled([verify(challenges[guess % 2] ?? '', wrongCode)])));
  assert.deepEqual(outcomes, [...Array.from({ length: 5 }, () => 'WRONG_CODE'), 'RATE_LIMITED']);
  await assert.rejects(verify(challenges[0] ?? '', newCode()), { code: 'RATE_LIMITED' });
  t.mock.timers.tick(60_000);
  await verify(challenges[0] ?? '', newCode());
});

test('whoever has the password guesses no more codes from many addresses than from one; where the owner has signed in before they get in meanwhile', async (t) => {
  const { dispatch, challenge, newCode } = await buildTwofold(t, { RATE_SCALE: '1' });
  const challengeToken = await challenge();
  const verifyFrom = async (ip: string, code: string): Promise<string> => codesOf(await Promise.allSettled([dispatch.call('auth.verifySecondFactor', { ...guest, ip }, { challengeToken, code })])).join();
  const outcomes = await inTurn(25, (index) => verifyFrom(addressOf(index), wrongCode));
  assert.deepEqual(outcomes, Array.from({ length: 25 }, (_, index) => (index < 5 ? 'WRONG_CODE' : 'RATE_LIMITED')));
  const code = newCode();
  assert.equal(await verifyFrom('192.0.2.1', code), 'RATE_LIMITED');
  assert.equal(await verifyFrom(guest.ip, code), 'in');
});

test('a code that could not be looked at, because the store failed, does not count as wrong', async (t) => {
  const { ann, mongodbUri, challenge, verify, newCode } = await buildTwofold(t, { RATE_SCALE: '1' });
  const store = await connect(t, mongodbUri);
  const refuseChanges = async (validator: object): Promise<unknown> => store.db?.command({ collMod: 'users', validator });
  const [challengeToken, code] = [await challenge(), newCode()];
  await refuseChanges({ _id: { $exists: false } });
  const outcomes = await inTurn(6, async () => codesOf(await Promise.allSettled([verify(challengeToken, code)])).join());
  await refuseChanges({});
  assert.equal(outcomes.some((outcome) => ['in', 'WRONG_CODE', 'RATE_LIMITED'].includes(outcome)), false, outcomes.join());
  await verify(challengeToken, code);
  assert.equal((await kindsOf(ann)).includes('second-factor-failed'), false);
});

test('a new password by mail does not switch it off, and ends second steps under way', async (t) => {
  const { challenge, verify, newCode, dispatch, mails } = await buildTwofold(t);
  const before = await challenge();
  await dispatch.call('account.sendResetEmail', guest, { email });
  await dispatch.call('account.resetPassword', guest, { token: tokenOf((await mails.next(email)).link ?? ''), password: 'another horse battery' });
  await assert.rejects(verify(before, newCode()), { code: 'CHALLENGE_EXPIRED' });
  await verify(await challengeOf(dispatch.call('auth.login', guest, { email, password: 'another horse battery' })), newCode());
});

