/** One process of those that live through histories: how many, and the seed of the first. Writes a mark for each. */
import { liveThrough, marks } from './histories.ts';

const [count = 1, seed = 1] = process.argv.slice(2).map(Number);
const endings: (() => unknown)[] = [];
try {
  await liveThrough({ after: (end) => void endings.push(end) }, count, seed, (mark) => process.stdout.write(marks[mark]));
} finally {
  for (const end of endings) await end();
}
