/** Tokens of which the newest alone is good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Types } from 'mongoose';
import { tokenModel } from '../../src/features/tokens/token.model.ts';
import { createTokensService } from '../../src/features/tokens/tokens.service.ts';
import { connect, freshDatabase } from '../helpers/app.ts';

test('a token that finds no earlier one, and one there a moment later, takes its place', async (t) => {
  const model = tokenModel(await connect(t, freshDatabase(t)));
  const of = new Types.ObjectId().toHexString();
  const terms = (since: string) => ({ of, userId: of, lifetime: 60, data: { since } });
  const tokens = createTokensService(model);
  const overtaken = new Proxy(model, {
    get(target, key): unknown {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'replaceOne' || isOvertaken) return typeof value === 'function' ? value.bind(target) : value;
      isOvertaken = true;
      return async () => {
        await tokens.issueNewest('reset-password', terms('1'));
        throw Object.assign(new Error('E11000'), { code: 11000 });
      };
    },
  });
  let isOvertaken = false;
  const later = await createTokensService(overtaken).issueNewest('reset-password', terms('2'));
  assert.equal((await tokens.find('reset-password', later ?? ''))?.userId, of);
});

test('of two tokens that are made in the same moment the later one is good, and the earlier one is not', async (t) => {
  const tokens = createTokensService(tokenModel(await connect(t, freshDatabase(t))));
  const make = async (of: string, since: string): Promise<string | undefined> => tokens.issueNewest('reset-password', { of, userId: of, lifetime: 60, data: { since } });
  for (let round = 0; round < 100; round++) {
    const of = new Types.ObjectId().toHexString();
    const [earlier, later] = await Promise.all([make(of, '1'), make(of, '2')]);
    assert.equal((await tokens.find('reset-password', later ?? ''))?.userId, of);
    assert.equal(await tokens.find('reset-password', earlier ?? ''), undefined);
  }
});
