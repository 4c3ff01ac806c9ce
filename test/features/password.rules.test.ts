/** Which passwords are too easy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dictionary } from '@zxcvbn-ts/language-common';
import * as fc from 'fast-check';
import { requireStrongPassword, type PasswordOwner } from '../../src/features/passwords/password.rules.ts';

const isTaken = (password: string, owner: PasswordOwner = {}): boolean => {
  try {
    requireStrongPassword(password, owner);
    return true;
  } catch (error) {
    assert.equal((error as { code?: unknown }).code, 'PASSWORD_TOO_EASY');
    return false;
  }
};

const ann = { email: 'Ann.Lee@Example.org', username: 'annlee_77', firstName: 'Ann', lastName: 'Lée' };

test('none of the 10,000 most common passwords is taken', () => {
  const common = dictionary['passwords-common'].slice(0, 10_000);
  assert.equal(common.length, 10_000);
  assert.deepEqual(common.slice(0, 3), ['123456', 'password', '12345678'], 'the most common ones come first');
  assert.deepEqual(common.filter((password) => isTaken(password)), []);
});

test('repetitions, and keys or letters in a row, are not taken either, if they are as easy as the common ones', () => {
  const rows = ['87654321', '987654321', '0987654321', '00000000', 'aaaaaaaa', '12341234', '123123123', 'abcdefgh', 'hgfedcba', 'xyzxyzxyz', 'lkjhgfds', 'qwertzui', 'AAAAaaaa', '1234567890987654321'];
  assert.deepEqual(rows.filter((password) => isTaken(password)), []);
});

test('a password of few characters, each of many, is no easier for being short', () => {
  for (const password of ['日本語', 'пароль дня', '馬電池']) assert.equal(isTaken(password), true, password);
});

test('capitals and accents do not make a common password a good one', () => {
  for (const password of ['Password123', 'TRUSTNO1', 'Fóotball1', 'ｐａｓｓｗｏｒｄ']) assert.equal(isTaken(password), false, password);
});

test('a password that only contains a common one is taken', () => {
  for (const password of ['correct horse', 'correct horse battery', 'my password is long', 'dragonfly-monkey-teapot']) assert.equal(isTaken(password, ann), true, password);
});

test('the own e-mail, its part before the @, the username and the names are not taken as a password, in any case', () => {
  for (const password of ['ann.lee@example.org', 'ANN.LEE@example.org', 'Ann.Lee', 'annlee_77', 'ANNLEE_77', 'annlee', 'Lee Ann', 'LeeLeeLee', 'LÉE-ann']) {
    assert.equal(isTaken(password, ann), false, password);
  }
});

test('the words of names and addresses are known, too, in whatever order', () => {
  const mary = { email: 'mary.jones3@example.org', username: 'm_jones', firstName: 'Maria Magdalena', lastName: "O'Neill" };
  for (const password of ['maryjones', 'jonesmary', 'MaryJones3', 'mariamagdalena', 'magdalena-12', 'neillmaria!']) assert.equal(isTaken(password, mary), false, password);
  for (const password of ['magdalena2024', 'mountain-jones']) assert.equal(isTaken(password, mary), true, password);
});

test('up to three characters around them change nothing, a fourth does', () => {
  for (const password of ['annlee99', 'Ann+Lee 9', '1ann.lee23', '!!annlee_77!', 'ann.lee@example.org123']) assert.equal(isTaken(password, ann), false, password);
  for (const password of ['annlee1234', 'kann ich leeren', '1ann.lee234']) assert.equal(isTaken(password, ann), true, password);
});

test('the longest of what is known is taken out first', () => {
  assert.equal(isTaken('annalouisa', { firstName: 'Ann', lastName: 'Annalouisa' }), false);
});

test('a short password of long characters is taken when nobody is called so', () => {
  assert.equal(isTaken('👍👍', ann), true);
  assert.equal(isTaken('👍👍', { firstName: '👍' }), false);
});

test('the password of somebody else of whom nothing is known is judged by the list alone', () => {
  assert.equal(isTaken('ann.lee@example.org'), true);
  assert.equal(isTaken('ann.lee@example.org', { email: 'bob@example.org', firstName: 'Bob' }), true);
});

test('whatever somebody is called, their name alone is not taken, and one of twelve other letters is', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }).filter((text) => text.normalize('NFKD').replace(/\p{M}/gu, '') !== '');
  fc.assert(
    fc.property(name, (firstName) => {
      assert.equal(isTaken(firstName, { firstName }), false);
      assert.equal(isTaken(`${firstName}qmzvkwtrhplx`, { firstName: `${firstName}?` }), true);
    }),
  );
});
