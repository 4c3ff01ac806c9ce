/** What there is to measure, by the names it can be asked for by. */

const names = ['A', 'B', 'C', 'P', 'M'] as const;
export type Section = (typeof names)[number];

/** Those that were asked for; all if none were. @throws Error that says which there are */
export function chooseSections(asked: readonly string[]): ReadonlySet<Section> {
  const unknown = asked.filter((name) => !isSection(name));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')} to measure: choose among ${names.join(', ')}.`);
  const chosen = new Set(asked.length === 0 ? names : asked.filter(isSection));
  // It says nothing but next to A.
  if (chosen.has('C')) chosen.add('A');
  return chosen;
}

const isSection = (name: string): name is Section => (names as readonly string[]).includes(name);
