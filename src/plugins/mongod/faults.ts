/** Why mongod did not start, as one sentence for the person at the terminal. */
import { readFile, statfs } from 'node:fs/promises';
import { StartupError } from '../../core/startup.error.ts';
import { toMessage, type Places } from './places.ts';
import type { Ending } from './process.ts';
import { versionOf } from './version.ts';

const LEAST_FREE = 16 * 2 ** 20;

/** Reads mongod's log and exit code; the log begins with this start. */
export async function explain(ending: Ending, binary: string, places: Places): Promise<StartupError> {
  const log = await readFile(places.log, 'utf8').catch(() => '');
  const cause = findCause(log) ?? ending.error?.message ?? 'it left no message';
  if (ending.code === 62 || /featureCompatibilityVersion document|unsupported WiredTiger/i.test(cause)) {
    const version = await versionOf(binary).catch(toMessage);
    return new StartupError(explainVersion(cause, places.database, `${binary}, version ${version}`));
  }
  if (/No space left on device/i.test(log) || (await freeBytes(places.dataDir)) < LEAST_FREE) {
    return new StartupError(`The disk of DATA_DIR is full (${places.dataDir}): free some space and start again.`);
  }
  return new StartupError(
    `MongoDB did not start (${describeEnding(ending)}): ${cause} (binary ${binary}, log ${places.log}).`,
  );
}

export function describeEnding(ending: Ending | undefined): string {
  if (ending?.signal) return `ended by ${ending.signal}`;
  return typeof ending?.code === 'number' ? `exit code ${ending.code}` : 'its process is gone';
}

function explainVersion(cause: string, database: string, binary: string): string {
  const written = /version: "(\d+\.\d+)"/.exec(cause)?.[1];
  const readable = (/expected (.*?)See/s.exec(cause)?.[1] ?? '').match(/\d+\.\d+/g) ?? [];
  const oldest = readable.map(Number).sort((a, b) => a - b)[0];
  const isOlder = written !== undefined && oldest !== undefined && Number(written) < oldest;
  const age = isOlder ? 'an older' : 'a newer';
  const than = isOlder ? 'can be read by' : 'is';
  return (
    `The data in ${database} was written by ${age} MongoDB${written ? ` (${written})` : ''} than ${than} the one found (${binary}): ` +
    `set MONGOD_BINARY to a mongod of ${written ? `version ${written}` : 'the version that wrote it'}, or choose another DATA_DIR.`
  );
}

/** The first error in the log: the ones after it are its consequences. */
function findCause(log: string): string | undefined {
  const lines = log.split('\n').filter(Boolean);
  for (const line of lines) {
    const message = toErrorMessage(line);
    if (message) return message;
  }
  // Not in mongod's own format: the system's loader, or a wrong option.
  return lines.find((line) => !line.startsWith('{'))?.trim();
}

interface LogLine {
  s?: string;
  msg?: string;
  attr?: { error?: unknown; message?: { msg?: string; error_str?: string } | string };
}

function toErrorMessage(line: string): string | undefined {
  if (!/"s":"[EF]"/.test(line)) return undefined;
  try {
    const { msg, attr } = JSON.parse(line) as LogLine;
    if (typeof attr?.error === 'string') return attr.error;
    const inner = attr?.message;
    if (typeof inner === 'object') return [inner.msg, inner.error_str].filter(Boolean).join(': ');
    return [msg, inner].filter(Boolean).join(': ');
  } catch {
    return undefined;
  }
}

async function freeBytes(folder: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return Infinity;
  }
}
