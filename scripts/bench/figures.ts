/** What the report says, in its order, and what the design aims at. */
import type { AnswerTimes, TrafficResult } from './jobs.ts';
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

const answer = (question: string, label: string): Figure => ({ key: question, label: `${label}, ms`, of: ({ answers }) => answers?.[question]?.p50, digits: 2 });

const search = (chats: number, percentile: keyof AnswerTimes): Figure => ({
  key: `search.${chats}.${percentile}`,
  label: `search  in ${chats.toLocaleString('en')} chats ${percentile}, ms`,
  of: ({ answers }) => answers?.[`search.${chats}`]?.[percentile],
  digits: 2,
});

/** The same page of the short chat and of the long one, and what the length costs. */
const history = (page: string, label: string): Figure[] => {
  const [short, long] = [`history.${page}.3`, `history.${page}.6`];
  const ratio = (answers: Measurement['answers'] = {}): number | undefined => answers[short] && answers[long] && answers[long].p50 / answers[short].p50;
  return [
    answer(short, `history  ${label} of 10^3`),
    answer(long, `history  ${label} of 10^6`),
    { key: `history.${page}.ratio`, label: 'history  the long to the short', of: ({ answers }) => ratio(answers), digits: 2, target: 'at most 1.5' },
  ];
};

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
  ...history('newest', 'newest page'),
  ...history('middle', 'middle page'),
  ...history('sync', 'last 50'),
  answer('chats.list', 'chats  first 50 of 500'),
  answer('chats.nothing', 'chats  sync, nothing new'),
  answer('chats.everything', 'chats  sync from nothing'),
  { ...search(1000, 'p50'), target: 'under 20' },
  search(1000, 'p95'),
  search(50, 'p50'),
  search(50, 'p95'),
];
