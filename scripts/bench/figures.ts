/** What the report says, in its order, and what the design aims at. */
import type { TrafficResult } from './jobs.ts';
import type { Measurement } from './measure.ts';

export interface Figure {
  key: string;
  label: string;
  /** Undefined where it was not measured. */
  of: (measurement: Measurement) => number | undefined;
  digits: number;
  /** Nothing is asserted: machines differ. */
  target?: string;
}

type Traffic = 'A' | 'B' | 'C' | 'P';

const speed = (section: Traffic, what: string, target?: string): Figure => ({
  key: `${section}.deliveredPerSecond`,
  label: `${section}  ${what}/s`,
  of: (measurement) => measurement[section]?.deliveredPerSecond,
  digits: 0,
  ...(target !== undefined && { target }),
});

const latency = (section: Traffic, percentile: 'p50' | 'p95' | 'p99', target?: string): Figure => ({
  key: `${section}.${percentile}`,
  label: `${section}  send to receive ${percentile}, ms`,
  of: (measurement) => measurement[section]?.[percentile],
  digits: 2,
  ...(target !== undefined && { target }),
});

const latencies = (section: Traffic): Figure[] => [latency(section, 'p50'), latency(section, 'p95'), latency(section, 'p99')];

const share = (section: Traffic, who: string, name: string, of: (cpu: TrafficResult['cpu']) => number | undefined): Figure => ({
  key: `${section}.cpu.${who}`,
  label: `${section}  core used by ${name}, %`,
  of: (measurement) => percent(measurement[section] && of(measurement[section].cpu)),
  digits: 0,
});

const shares = (section: Traffic): Figure[] => [
  share(section, 'server', 'the server', ({ watched }) => watched[0]),
  share(section, 'store', 'its mongod', ({ watched }) => watched[1]),
  share(section, 'load', 'the load', ({ load }) => load),
];

const percent = (part: number | undefined): number | undefined => part && part * 100;

export const figures: readonly Figure[] = [
  speed('A', 'delivered, messages', 'ratio >= 0.25'),
  ...latencies('A'),
  speed('B', 'delivered in a group', 'ratio >= 0.5'),
  ...latencies('B'),
  speed('C', 'delivered next to idle ones'),
  { key: 'C.share', label: 'C  delivered, of what A has', of: ({ A, C }) => A && C && C.deliveredPerSecond / A.deliveredPerSecond, digits: 2, target: 'at least 0.9' },
  latency('P', 'p50'),
  latency('P', 'p95'),
  latency('P', 'p99', 'ratio < 4'),
  { key: 'M.bytes', label: 'M  bytes per idle connection', of: ({ M }) => M, digits: 0, target: 'at most 20,000' },
  ...shares('A'),
  ...shares('B'),
];
