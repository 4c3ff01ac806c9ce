/** A real server process with its own MongoDB and data folder, to be killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { isRunning as isProcessRunning } from '../../src/plugins/mongod/process.ts';
import { codeFile, loader } from './code.ts';

export interface ServerProcess {
  child: ChildProcess;
  /** Everything it has printed. */
  output: () => string;
  /** Resolves with the exit code, or the name of the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
  kill: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
}

export interface ServerHome {
  dataDir: string;
  port: number;
  url: string;
  /** Starts a server here; resolves once it listens, or has ended. */
  start: (env?: Record<string, string>) => Promise<ServerProcess>;
  /** The process id of the MongoDB in the data folder. */
  mongodPid: () => Promise<number>;
}

/** A data folder and a port; whatever runs in it is ended, and the folder removed, when the test ends. */
export async function serverHome(t: TestContext): Promise<ServerHome> {
  const dataDir = await mkdtemp(join(tmpdir(), 'parley-home-'));
  const port = await freePort();
  const started: ServerProcess[] = [];
  const mongodPid = async (): Promise<number> => Number.parseInt(await readFile(join(dataDir, 'mongod.pid'), 'utf8'), 10);

  t.after(async () => {
    // An orderly end takes the MongoDB along; a server that was killed has left one, which a new one takes over and ends.
    if (!started.some(isRunning) && (await mongodPid().then(isProcessRunning, () => false))) started.push(await startServer(dataDir, port, {}));
    for (const server of started.filter(isRunning)) await server.kill('SIGTERM');
    await rm(dataDir, { recursive: true, force: true });
  });
  return {
    dataDir,
    port,
    url: `http://127.0.0.1:${port}`,
    mongodPid,
    async start(env = {}) {
      const server = await startServer(dataDir, port, env);
      started.push(server);
      return server;
    },
  };
}

const isRunning = ({ child }: ServerProcess): boolean => child.exitCode === null && child.signalCode === null;

/** A server, as `npm start` runs it but for the build; resolves once it has said where its data is, or has ended. */
export async function startServer(dataDir: string, port: number, env: Record<string, string>): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...loader, codeFile('src/server.ts')], {
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), DATA_DIR: dataDir, LOG_LEVEL: 'error', RATE_SCALE: '1000', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  const announced = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (output.includes('Its data is in')) resolve();
      });
    }
  });
  await Promise.race([announced, exited]);
  const kill = (signal: NodeJS.Signals): Promise<number | NodeJS.Signals> => {
    child.kill(signal);
    return exited;
  };
  return { child, output: () => output, exited, kill };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
