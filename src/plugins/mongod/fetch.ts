/** Puts a fetched mongod into the cache whole or not at all, however many processes do it and whenever one is killed. */
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { versionOf } from './version.ts';

/** Brings a mongod into the folder and gives its path; tells how far it is, as "42 %"; leaves off when told to. */
export type Fetcher = (folder: string, onProgress: (progress: string) => void, signal?: AbortSignal) => Promise<string>;

const PREFIX = 'fetch-';
const ONE_DAY = 24 * 60 * 60 * 1000;

/** @throws Error when the fetcher fails or what it brings does not run here */
export async function fetchBinary(
  target: string,
  source: { name: string; fetcher: Fetcher },
  report: (line: string) => void,
  signal?: AbortSignal,
): Promise<string> {
  const cacheDir = dirname(target);
  await mkdir(cacheDir, { recursive: true, mode: 0o700 });
  await removeAbandoned(cacheDir);
  const folder = await mkdtemp(join(cacheDir, PREFIX));
  let progress = '';
  const line = `Fetching MongoDB once for ${cacheDir} (${source.name}) …`;
  const timer = setInterval(() => report(`${line} ${progress}`.trim()), 2000);
  report(line);
  try {
    const binary = await source.fetcher(folder, (text) => (progress = text), signal);
    await chmod(binary, 0o755);
    await versionOf(binary);
    // A rename replaces the whole file at once; a mongod running from the former copy keeps it.
    await rename(binary, target);
    return target;
  } finally {
    clearInterval(timer);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Folders of fetches that were killed; a living one is never a day old. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(cacheDir, name);
    const changed = await stat(folder).catch(() => undefined);
    if (changed && Date.now() - changed.mtimeMs > ONE_DAY) await rm(folder, { recursive: true, force: true });
  }
}
