/** Which addresses count as one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { networkOf } from '../../src/core/network.ts';

test('an IPv4 address counts as itself, an IPv4-mapped one as the same', () => {
  for (const address of ['192.0.2.1', '::ffff:192.0.2.1', '::FFFF:192.0.2.1', '::ffff:c000:201', '0:0:0:0:0:ffff:192.0.2.1']) assert.equal(networkOf(address), '192.0.2.1');
  assert.notEqual(networkOf('192.0.2.1'), networkOf('192.0.2.2'));
});

test('an IPv6 address counts by its /64, however it is written', () => {
  for (const address of ['2001:db8::1', '2001:db8::', '2001:DB8:0:0:ffff::', '2001:0db8:0000::0.0.0.1', '2001:db8:0:0:1:2:3:4', '2001:db8::1%eth0']) assert.equal(networkOf(address), '2001:db8:0:0::/64');
  for (const address of ['2001:db8:0:1::1', '2001:db8:1::1', '::1', 'fe80::1%eth0', '::192.0.2.1']) assert.notEqual(networkOf(address), '2001:db8:0:0::/64');
});

test('two IPv6 addresses count as one exactly if their first 64 bits are the same', () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  const written = (groups: number[]): string => groups.map((one) => one.toString(16)).join(':');
  /** As a program would shorten it: the first zeros as `::`. */
  const shortened = (groups: number[]): string => written(groups).replace(/(?:^|:)0(?::0)+(?::|$)/, '::');
  fc.assert(
    fc.property(fc.tuple(group, group, group, fc.constantFrom(0, 1, 0xffff)), fc.array(group, { minLength: 4, maxLength: 4 }), fc.array(fc.constantFrom(0, 1), { minLength: 4, maxLength: 4 }), (prefix, one, other) => {
      fc.pre(prefix.some((number) => number !== 0));
      assert.equal(networkOf(written([...prefix, ...one])), networkOf(shortened([...prefix, ...other])));
      const [first, ...rest] = prefix;
      assert.notEqual(networkOf(written([...prefix, ...one])), networkOf(written([first ^ 1, ...rest, ...one])));
    }),
  );
});

test('what is no address counts as itself', () => {
  assert.equal(networkOf('unknown'), 'unknown');
});
