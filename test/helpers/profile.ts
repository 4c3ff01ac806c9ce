/** What MongoDB did for each command: how it found what it was asked for, and how much it looked at for that. */
import assert from 'node:assert/strict';
import type { Connection, mongo } from 'mongoose';

/** A command as it ran. */
export interface Query {
  collection: string;
  /** What was asked, with `?` for each value: the same for all commands of one kind. */
  shape: string;
  /** Documents given, changed or removed; and values by which documents were asked for, of a list one each. */
  wanted: number;
  /** Keys of indexes or documents that were looked at, whichever were more. */
  examined: number;
  /** As MongoDB says it: `IXSCAN { userId: 1 }`. */
  plan: string;
  sorts: boolean;
}

/** From now on everything is noted that clients with this name do in this database. What it gives reads the notes, and begins anew. */
export async function profile({ db }: Connection, appName: string): Promise<() => Promise<Query[]>> {
  assert.ok(db);
  await db.createCollection('system.profile', { capped: true, size: 200_000_000 });
  await db.command({ profile: 2 });
  return async () => {
    await db.command({ profile: 0 });
    const notes = await db.collection<Note>('system.profile').find({ appName, planSummary: { $exists: true } }, { projection: { execStats: 0 } }).toArray();
    await db.collection('system.profile').drop();
    return notes.map(toQuery);
  };
}

/** What commands of several kinds ask for. */
interface Asked {
  filter?: object;
  query?: object;
  q?: object;
  pipeline?: { $match?: object }[];
  sort?: object;
  key?: string;
}

interface Note {
  ns: string;
  command: mongo.Document;
  /** Of the rest of a long answer: the command that began it. */
  originatingCommand?: mongo.Document;
  planSummary: string;
  keysExamined?: number;
  docsExamined?: number;
  nreturned?: number;
  nMatched?: number;
  ndeleted?: number;
  hasSortStage?: boolean;
}

function toQuery({ ns, command, originatingCommand, planSummary: plan, keysExamined = 0, docsExamined = 0, nreturned = 0, nMatched = 0, ndeleted = 0, hasSortStage = false }: Note): Query {
  const { filter, query, q, pipeline, sort, key } = (originatingCommand ?? command) as Asked;
  const wish = filter ?? query ?? q;
  return {
    collection: ns.slice(ns.indexOf('.') + 1),
    shape: JSON.stringify(toShape({ distinct: key, filter: wish, pipeline, sort })),
    wanted: nreturned + nMatched + ndeleted + countValues(wish ?? pipeline?.[0]?.$match),
    examined: Math.max(keysExamined, docsExamined),
    plan,
    sorts: hasSortStage,
  };
}

/** How many a filter names, in its longest list. */
function countValues(filter: unknown): number {
  if (typeof filter !== 'object' || filter === null) return 0;
  const entries = Object.entries(filter);
  return Math.max(0, ...entries.map(([key, value]) => (Array.isArray(value) && (key === '$in' || key === '$or') ? value.length : countValues(value))));
}

/** Names and directions stay, values go; a list has each kind of member once. */
function toShape(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((one) => JSON.stringify(toShape(one))))].map((one): unknown => JSON.parse(one));
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) return Object.fromEntries(Object.entries(value).flatMap(([key, one]) => (one === undefined ? [] : [[key, toShape(one)]])));
  return '?';
}
