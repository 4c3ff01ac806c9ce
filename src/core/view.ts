/** Which messages of a chat are somebody's to see, and what follows from that. */

import type { Id } from './schemas.ts';

/** Numbers of messages, both included. */
export interface SeqRange {
  from: number;
  to: number;
}

export interface View {
  /** Messages up to here are not theirs to see: they came later, or have cleared the chat. */
  fromSeq: number;
  /** Nor are these: by ascending numbers. */
  hidden: readonly SeqRange[];
  /** Goes up with each change of what is theirs to see: of two views of the same chat the higher counts. Absent is lowest. */
  version?: number;
  /** Whose eyes these are, where it matters: of many who are named they come first. */
  viewer?: Id;
}

/** Where a range ends that has no end yet. */
export const endless = Number.MAX_SAFE_INTEGER;

/** Who sees everything. */
export const everything: View = { fromSeq: 0, hidden: [] };

/** The same with somebody's eyes, if any are given. */
export const everythingTo = (viewer: Id | undefined): View => (viewer === undefined ? everything : { ...everything, viewer });

/** True of who may see all there is. */
export const seesAll = ({ fromSeq, hidden }: View): boolean => fromSeq === 0 && hidden.length === 0;

/** The last number that is ever to be seen; Infinity where nothing ends. */
export const lastSeen = ({ hidden }: View): number => (hidden.at(-1)?.to === endless ? (hidden.at(-1)?.from ?? 1) - 1 : Infinity);

export const isVisible = ({ fromSeq, hidden }: View, seq: number): boolean => seq > fromSeq && !hidden.some(({ from, to }) => from <= seq && seq <= to);

/** The last number before this one that is not hidden. */
export const before = (hidden: View['hidden'], seq: number): number => hidden.reduceRight((last, { from, to }) => (from <= last && last <= to ? from - 1 : last), seq - 1);

/** The number of the last message up to this one that is to be seen; 0 if none is. */
export function lastVisible({ fromSeq, hidden }: View, upTo: number): number {
  const last = before(hidden, upTo + 1);
  return last > fromSeq ? last : 0;
}

/** The number up to which, after this one, nothing is to be seen: the same, or the last that is hidden right behind it. */
export function past({ fromSeq, hidden }: View, seq: number, upTo: number): number {
  const start = Math.max(seq, Math.min(fromSeq, upTo));
  return hidden.reduce((last, { from, to }) => (from <= last + 1 && last < to ? Math.min(to, Math.max(upTo, start)) : last), start);
}

/** How many messages after one number and up to another are to be seen. */
export function countVisible({ fromSeq, hidden }: View, after: number, upTo: number): number {
  const start = Math.max(after, fromSeq);
  const unseen = hidden.reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, upTo) - Math.max(from - 1, start)), 0);
  return Math.max(0, upTo - start) - unseen;
}

/** The hidden ranges with one more. */
export const withHidden = (hidden: View['hidden'], range: SeqRange): SeqRange[] => joined([...hidden, range]);

/** No more ranges than these, for which more is hidden: what lies between those that are nearest to each other. */
export function fewer(ranges: readonly SeqRange[], most: number): SeqRange[] {
  const gaps = ranges.slice(1).map(({ from }, index) => ({ index, width: from - (ranges[index]?.to ?? 0) }));
  const closed = new Set(gaps.sort((a, b) => a.width - b.width).slice(0, Math.max(0, ranges.length - most)).map(({ index }) => index));
  return joined(ranges.map(({ from, to }, index) => ({ from, to: closed.has(index) ? (ranges[index + 1]?.from ?? to) : to })));
}

/** Ranges in any order as those of a view: by ascending numbers, and none touches the next. */
export function joined(ranges: readonly SeqRange[]): SeqRange[] {
  const all: SeqRange[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (last && from <= last.to + 1) last.to = Math.max(last.to, to);
    else all.push({ from, to });
  }
  return all;
}

/** What is left of the hidden ranges once everything up to a number is not to be seen anyway. */
export const hiddenAfter = (hidden: View['hidden'], seq: number): SeqRange[] => hidden.filter(({ to }) => to > seq).map(({ from, to }) => ({ from: Math.max(from, seq + 1), to }));
