/** Asks a mongod binary for its version: the proof that it runs on this system. */
import { run } from './run.ts';

/** @throws Error saying why the file is no mongod that runs here */
export async function versionOf(binary: string): Promise<string> {
  const output = await run(binary, ['--version'], { milliseconds: 15_000 });
  const version = /^db version v(\S+)/m.exec(output)?.[1];
  if (!version) throw new Error('it does not answer --version as mongod does');
  return version;
}
