/** One process of those that live through histories: how many, and the seed of the first. Writes a dot for each. */
import { liveThrough } from './histories.ts';

const [count = 1, seed = 1] = process.argv.slice(2).map(Number);
const endings: (() => unknown)[] = [];
try {
  await liveThrough({ after: (end) => void endings.push(end) }, count, seed, () => process.stdout.write('.'));
} finally {
  for (const end of endings) await end();
}
