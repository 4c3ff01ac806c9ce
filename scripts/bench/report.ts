/** The figures as a table for people and as an object for programs. */
import { figures, type Figure } from './figures.ts';
import type { Measurement } from './measure.ts';
import { median } from './statistics.ts';

export interface Result {
  key: string;
  label: string;
  digits: number;
  /** Medians of the rounds; absent where there is no such thing. */
  parley: number | undefined;
  yardstick: number | undefined;
  ratio: number | undefined;
  target: string | undefined;
  rounds: { parley: number[]; yardstick: number[] };
}

/** Of what was measured. */
export function resultsOf(parley: readonly Measurement[], yardstick: readonly Measurement[]): Result[] {
  const measured = figures.filter(({ of }) => valuesOf(parley, of).length > 0);
  return measured.map(({ key, label, of, digits, target }) => {
    const rounds = { parley: valuesOf(parley, of), yardstick: valuesOf(yardstick, of) };
    const [ours, theirs] = [middle(rounds.parley), middle(rounds.yardstick)];
    return { key, label, digits, target, rounds, parley: ours, yardstick: theirs, ratio: ours !== undefined && theirs !== undefined ? ours / theirs : undefined };
  });
}

const valuesOf = (measurements: readonly Measurement[], of: Figure['of']): number[] => measurements.map(of).filter((value) => value !== undefined);

const middle = (values: readonly number[]): number | undefined => (values.length > 0 ? median(values) : undefined);

export function toTable(results: readonly Result[]): string {
  const rows = [['', 'Parley', 'yardstick', 'ratio', 'target'], ...results.map(toRow)];
  return rows.map(([label = '', ours = '', theirs = '', ratio = '', target = '']) => `${label.padEnd(32)}${ours.padStart(12)}${theirs.padStart(12)}${ratio.padStart(8)}   ${target}`.trimEnd()).join('\n');
}

const toRow = ({ label, digits, parley, yardstick, ratio, target }: Result): string[] => [label, toText(parley, digits), toText(yardstick, digits), toText(ratio, 2), target ?? ''];

const toText = (value: number | undefined, digits: number): string =>
  value === undefined ? '-' : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

export const toObject = (results: readonly Result[]): object =>
  Object.fromEntries(results.map(({ key, parley, yardstick, ratio, target, rounds }) => [key, { parley, yardstick, ratio, target, rounds }]));
