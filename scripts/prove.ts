/**
 * Lives through many random histories, each checked against a model: `npm run prove -- [how many] [seed of the first]`,
 * 10,000 unless told otherwise. The seed of one that goes wrong is printed, and makes it again.
 */
import { availableParallelism } from 'node:os';
import { prove } from '../test/model/histories.ts';
import { withStore } from './store.ts';

const [count = 10_000, seed = Math.trunc(Math.random() * 1e9)] = process.argv.slice(2).map(Number);
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) throw new Error('npm run prove -- [how many] [seed of the first]');

console.log(`${count} histories, the first with seed ${seed}`);
const began = Date.now();
const every = Math.max(1, Math.trunc(count / 50));
let anew = '';
const onLived = (lived: number, repeated: number): void => {
  if (repeated > 0) anew = ` (${repeated} begun anew, for the store was silent)`;
  if (lived % every === 0) console.log(`${lived} of ${count} after ${Math.round((Date.now() - began) / 1000)} s${anew}`);
};
const failures = await withStore(({ env }) => prove({ count, seed, processes: Math.min(availableParallelism(), count), env, onLived }));
for (const failure of failures) console.error(failure);
console.log(failures.length === 0 ? `all ${count} went well${anew}` : 'not all went well');
process.exitCode = failures.length === 0 ? 0 : 1;
