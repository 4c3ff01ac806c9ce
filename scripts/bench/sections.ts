/** What there is to measure, by the names it can be asked for by. */

/** Of Parley and of the yardstick, in rounds. */
const ofBoth = ['A', 'B', 'C', 'P', 'M'] as const;

/** Of Parley alone: how long it takes to read. */
const ofParley = ['chats', 'history', 'search'] as const;

const names = [...ofBoth, ...ofParley] as const;
export type Section = (typeof names)[number];
export type Reading = (typeof ofParley)[number];

/** Those that were asked for; all if none were. @throws Error that says which there are */
export function chooseSections(asked: readonly string[]): ReadonlySet<Section> {
  const unknown = asked.filter((name) => !isSection(name));
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')} to measure: choose among ${names.join(', ')}.`);
  const chosen = new Set(asked.length === 0 ? names : asked.filter(isSection));
  // It says nothing but next to A.
  if (chosen.has('C')) chosen.add('A');
  return chosen;
}

export const inRounds = (sections: ReadonlySet<Section>): boolean => ofBoth.some((name) => sections.has(name));

export const readingsOf = (sections: ReadonlySet<Section>): Reading[] => ofParley.filter((name) => sections.has(name));

const isSection = (name: string): name is Section => (names as readonly string[]).includes(name);
