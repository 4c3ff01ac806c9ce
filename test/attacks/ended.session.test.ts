/** A session that is ended by itself, of all that an account has, while what it has asked for takes its time: nothing is done in its name any more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller } from '../../src/core/contract.ts';
import { createGoogleLinks } from '../../src/features/account/account.google.ts';
import { createPasswordChanges } from '../../src/features/account/account.password.ts';
import { createRemovals } from '../../src/features/account/account.removal.ts';
import type { AccountParts } from '../../src/features/account/account.service.ts';
import { mailModel } from '../../src/features/mails/mail.model.ts';
import { createMailQueue } from '../../src/features/mails/mails.service.ts';
import { securityModel } from '../../src/features/security/security.model.ts';
import { createSecurityService } from '../../src/features/security/security.service.ts';
import { createTotpService, type TotpParts } from '../../src/features/totp/totp.service.ts';
import { createCredentialsService } from '../../src/features/users/credentials.service.ts';
import { createNoticesService, type Notice } from '../../src/features/users/notices.service.ts';
import { userModel, type UserDocument } from '../../src/features/users/user.model.ts';
import { createAuthenticator } from '../helpers/authenticator.ts';
import { nowhere } from '../helpers/files.ts';
import { buildMailedApp, type MailedApp } from '../helpers/mailed.ts';
import { guest, type Person } from '../helpers/people.ts';
import { silentBus } from '../helpers/silent.bus.ts';

const fail = (error: unknown): never => assert.fail(String(error));

/** What the services of an account are made of. Whatever takes its time takes so long that the owner ends all other sessions meanwhile. */
function slowParts({ store, services }: MailedApp, { call }: Person): AccountParts & TotpParts {
  const meanwhile = async <T>(outcome: T): Promise<T> => call('sessions.endOthers').then(() => outcome);
  const notices = createNoticesService({ mails: createMailQueue(mailModel(store), fail), security: createSecurityService(securityModel(store)), onError: fail });
  const parts = {
    credentials: createCredentialsService({ users: userModel(store), bus: silentBus, photoAddress: nowhere }),
    sessions: services.sessions,
    notices: { telling: async (notice: Notice, change: (id: string) => Promise<unknown>) => meanwhile(undefined).then(() => notices.telling(notice, change)) },
    passwords: { hash: async () => meanwhile('a hash'), require: async () => meanwhile(undefined) },
    guesses: { begin: async () => ({ settle: async () => meanwhile(true) }) },
    google: { verify: async () => meanwhile({ googleId: 'thief', email: 'thief@gmail.example', emailVerified: true }) },
  };
  return parts as unknown as AccountParts & TotpParts;
}

const deeds: Record<string, (parts: AccountParts & TotpParts, thief: Caller, ann: Person) => Promise<unknown>> = {
  'sets no password': (parts, thief, ann) => createPasswordChanges(parts).changePassword(thief, { oldPassword: ann.password, password: 'another horse battery' }),
  'links no Google account': (parts, thief) => createGoogleLinks(parts).linkGoogle(thief, { credential: 'any' }),
  'removes no account': (parts, thief, ann) => createRemovals({ ...parts, steps: [], onError: fail }).remove(thief, { password: ann.password, messages: 'keep' }),
  'switches no second factor on': async (parts, thief) => {
    const totp = createTotpService(parts);
    const { uri } = await totp.enrol(thief, {});
    return totp.confirm(thief, { code: createAuthenticator(uri).code() });
  },
};

const deedsWithSecondFactor: typeof deeds = {
  'switches no second factor off': (parts, thief, ann) => createTotpService(parts).disable(thief, { password: ann.password, code: '000000' }),
  'renews no recovery codes': (parts, thief) => createTotpService(parts).renewRecoveryCodes(thief, { code: '000000' }),
};

for (const [what, deed] of Object.entries({ ...deeds, ...deedsWithSecondFactor })) {
  test(`it ${what}`, async (t) => {
    const app = await buildMailedApp(t);
    const ann = await app.verified('Ann');
    const thief = await app.services.sessions.authenticate((await app.login(ann.email, ann.password)).accessToken, guest);
    if (what in deedsWithSecondFactor) await app.store.collection('users').updateMany({}, { $set: { secondFactor: { secret: 'JBSWY3DPEHPK3PXP', confirmedAt: new Date(), lastStep: 0, recoveryHashes: [] } } });
    const waysIn = async (): Promise<unknown[]> => {
      const { passwordHash, googleId, secondFactor } = (await app.store.collection<UserDocument>('users').findOne({ email: ann.email })) ?? assert.fail('there is no such account');
      return [passwordHash, googleId, secondFactor?.confirmedAt, secondFactor?.recoveryHashes ?? []];
    };
    const before = await waysIn();
    await assert.rejects(deed(slowParts(app, ann), thief, ann), { code: 'UNAUTHENTICATED' });
    assert.deepEqual(await waysIn(), before);
  });
}
