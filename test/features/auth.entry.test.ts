/** The last step of a sign-in, when what was proven is replaced in the very same moment. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createEntry } from '../../src/features/auth/auth.entry.ts';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { userModel } from '../../src/features/users/user.model.ts';
import { buildTestApp, connect } from '../helpers/app.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { nowhere } from '../helpers/files.ts';
import { guest, type Person } from '../helpers/people.ts';
import { silentBus } from '../helpers/silent.bus.ts';

/** Signs Ann in who has just proven her password, while something happens before her session is there. */
async function enterWhile(t: TestContext, happening: (ann: Person) => Promise<unknown>): Promise<{ entering: Promise<unknown>; sessionsLeft: () => Promise<number> }> {
  const { services, verified, mongodbUri } = await buildTestApp(t);
  const ann = await verified('Ann');
  const connection = await connect(t, mongodbUri);
  const credentials = createCredentialsService({ users: userModel(connection), bus: silentBus, photoAddress: nowhere });
  const account = await credentials.require(ann.id);
  const { sessions, security } = services;
  const signIn = createEntry({
    credentials,
    security,
    tokens: createTokensService(tokenModel(connection)),
    sessions: {
      ...sessions,
      async open(...entering) {
        await happening(ann);
        return sessions.open(...entering);
      },
    },
  });
  return { entering: signIn(account, guest, { by: 'password' }), sessionsLeft: async () => connection.collection('sessions').countDocuments() };
}

for (const [what, left, happening] of [
  ['the password is changed', 1, (ann) => ann.call('account.changePassword', { oldPassword: ann.password, password: 'quite another staple' })],
  ['the second factor is switched on', 1, async (ann) => ann.call('totp.confirm', { code: createAuthenticator((await ann.call('totp.enrol')).uri).code() })],
  ['the account is removed', 0, (ann) => ann.call('account.remove', { password: ann.password })],
] as const satisfies [string, number, (ann: Person) => Promise<unknown>][]) {
  test(`a sign-in gives no session if ${what} meanwhile`, async (t) => {
    const { entering, sessionsLeft } = await enterWhile(t, happening);
    await assert.rejects(entering, { code: 'SESSION_ENDED' });
    assert.equal(await sessionsLeft(), left);
  });
}

test('a sign-in gives a session if only something else is changed meanwhile', async (t) => {
  const { entering, sessionsLeft } = await enterWhile(t, (ann) => ann.call('users.update', { id: 'me', firstName: 'Anna' }));
  await entering;
  assert.equal(await sessionsLeft(), 2);
});
