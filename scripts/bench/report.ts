/** The figures as a table for people and as an object for programs. */
import type { Measurement } from './measure.ts';
import { median } from './statistics.ts';

interface Figure {
  key: string;
  label: string;
  of: (measurement: Measurement) => number | undefined;
  digits: number;
  /** What the design aims at. Nothing is asserted: machines differ. */
  target?: string;
}

const figures: readonly Figure[] = [
  { key: 'A.deliveredPerSecond', label: 'A  delivered, messages/s', of: ({ A }) => A.deliveredPerSecond, digits: 0, target: 'ratio >= 0.25' },
  { key: 'A.p50', label: 'A  send to receive p50, ms', of: ({ A }) => A.p50, digits: 2 },
  { key: 'A.p95', label: 'A  send to receive p95, ms', of: ({ A }) => A.p95, digits: 2 },
  { key: 'A.p99', label: 'A  send to receive p99, ms', of: ({ A }) => A.p99, digits: 2 },
  { key: 'P.p50', label: 'P  send to receive p50, ms', of: ({ P }) => P.p50, digits: 2 },
  { key: 'P.p95', label: 'P  send to receive p95, ms', of: ({ P }) => P.p95, digits: 2 },
  { key: 'P.p99', label: 'P  send to receive p99, ms', of: ({ P }) => P.p99, digits: 2, target: 'ratio < 4' },
  { key: 'M.bytes', label: 'M  bytes per idle connection', of: ({ M }) => M, digits: 0, target: 'at most 20,000' },
  { key: 'A.cpu.server', label: 'A  core used by the server, %', of: ({ A }) => percent(A.cpu.watched[0]), digits: 0 },
  { key: 'A.cpu.store', label: 'A  core used by its mongod, %', of: ({ A }) => percent(A.cpu.watched[1]), digits: 0 },
  { key: 'A.cpu.load', label: 'A  core used by the load, %', of: ({ A }) => percent(A.cpu.load), digits: 0 },
];

const percent = (share: number | undefined): number | undefined => share && share * 100;

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

export function resultsOf(parley: readonly Measurement[], yardstick: readonly Measurement[]): Result[] {
  return figures.map(({ key, label, of, digits, target }) => {
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
