/** Search against the simplest that could be written: every text looked at, one after the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fold } from '../../src/core/text.ts';
import { buildTestApp } from '../helpers/app.ts';
import { allPages, textsFor, untilIndexed } from '../helpers/search.ts';

const isUnspaced = (character: string): boolean => /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}]/u.test(character);

/** Every text that has each part of the search: at the beginning of a word, or of a script without spaces anywhere. */
function fitsNaively(text: string, search: string): boolean {
  const spell = (given: string): string => fold(given).normalize('NFC');
  const spaced = (given: string): string => [' ', ...Array.from(spell(given)).map((one) => (/[\p{L}\p{N}_]/u.test(one) ? one : ' '))].join('');
  const parts = (given: string): string[] => {
    const found: string[] = [];
    let previous = ' ';
    for (const one of spaced(given)) {
      const continues = one !== ' ' && previous !== ' ' && isUnspaced(one) === isUnspaced(previous);
      if (one !== ' ') found.push((continues ? found.pop() ?? '' : '') + one);
      previous = one;
    }
    return found;
  };
  const wanted = parts(search);
  return wanted.length > 0 && wanted.every((part) => (isUnspaced(part) ? spell(text).includes(part) : parts(text).some((word) => word.startsWith(part))));
}

const letters = fc.constantFrom('a', 'b', 'é', 'ß', 'Σ', 'ς', 'Ё', 'и', 'й', '北', '京', 'か', 'が', '한', '_', '7', ' ', ' ', '.', '*', '(', '👍', '\u0301');
const text = fc.string({ unit: letters, minLength: 1, maxLength: 14 });
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('send' as const), text, which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('edit' as const, 'remove' as const), text, which: fc.nat() }) },
);

test('search finds what looking at every text finds, in the same order, page by page', async (t) => {
  const { person, mongodbUri } = await buildTestApp(t);
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 25 }), fc.array(fc.string({ unit: letters, minLength: 1, maxLength: 5 }), { minLength: 4, maxLength: 4 }), fc.integer({ min: 1, max: 5 }), async (actions, searches, limit) => {
      const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
      const chatIds = [(await ann.call('chats.open', { userId: bob.id })).id, (await ann.call('groups.create', { title: 'Both', userIds: [bob.id] })).id];
      const sent: { id: string; createdAt: string; text: string | undefined }[] = [];
      for (const { kind, text: said, which } of actions) {
        const target = sent[which % Math.max(1, sent.length)];
        if (kind === 'send') sent.push({ ...(await ann.call('messages.send', { chatId: chatIds[which % 2], text: said })), text: said.normalize('NFC') });
        else if (target?.text !== undefined) {
          if (kind === 'edit') await ann.call('messages.edit', { id: target.id, text: said });
          else await ann.call('messages.remove', { id: target.id });
          target.text = kind === 'edit' ? said.normalize('NFC') : undefined;
        }
      }
      await untilIndexed(t, mongodbUri);
      const newestFirst = sent.toSorted((a, b) => (a.createdAt === b.createdAt ? (a.id < b.id ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1));
      for (const search of searches) {
        const expected = newestFirst.flatMap((one) => (one.text !== undefined && fitsNaively(one.text, search) ? [one.text] : []));
        assert.deepEqual(await textsFor(bob, search), expected, search);
        assert.deepEqual((await allPages(bob, search, limit)).map((message) => message.text), expected, `${search}, by ${limit}`);
      }
    }),
    { numRuns: 40, includeErrorInReport: true },
  );
});
