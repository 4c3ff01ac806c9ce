/** The process: environment → store → app → listen, and an orderly end. */
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.ts';
import { readConfig, type Config } from './config.ts';
import { withDeadline } from './core/deadline.ts';
import { StartupError } from './core/startup.error.ts';
import { prepareDataDir } from './plugins/data.dir.ts';
import { claimDataDir, startMongod } from './plugins/mongod/index.ts';

/** Milliseconds after which an orderly end is given up. */
const shutdownLimit = 9500;

/** Milliseconds in which everything must be answered and written out: a silent mongod needs the rest to be ended. */
const drainLimit = 5500;

/** npm passes on a signal that the terminal has sent to everybody already: two within this time are one. */
const sameSignal = 500;

/** Connections that wait to be accepted, as far as the system allows: after a restart everybody comes at once, and none of them is to be turned away. */
const backlog = 4096;

type Cleanup = () => Promise<unknown>;

/** What has been started, to be ended in reverse. */
const cleanups: Cleanup[] = [];
let ending: Promise<never> | undefined;

try {
  if (existsSync('.env')) process.loadEnvFile('.env');
  const config = readConfig(process.env);
  listenForSignals();
  listenForFaults();
  const mongodbUri = config.mongodbUri ?? (await startOwnMongod(config));
  const app = await buildApp(config, mongodbUri);
  cleanups.push(() => withDeadline(app.close(), drainLimit));
  await listen(app, config);
  announce(config);
} catch (error) {
  await end(error);
}

async function startOwnMongod(config: Config): Promise<string> {
  await prepareDataDir(config.dataDir);
  const claim = await claimDataDir(config.dataDir);
  cleanups.push(() => claim.release());
  const breakOff = new AbortController();
  const starting = startMongod({ ...config.mongod, dataDir: config.dataDir, report: say, onLost: (error) => void end(error), signal: breakOff.signal });
  cleanups.push(async () => {
    breakOff.abort();
    // If it did not start there is nothing to stop.
    const mongod = await starting.catch(() => undefined);
    await mongod?.stop();
  });
  return (await starting).uri;
}

async function listen(app: FastifyInstance, { host, port }: Config): Promise<void> {
  try {
    await app.listen({ host, port, backlog });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason = code === 'EADDRINUSE' ? `port ${port} on ${host} is taken: stop whoever uses it, or choose another with PORT` : `cannot listen on ${host}:${port} (${error instanceof Error ? error.message : String(error)})`;
    throw new StartupError(`Parley did not start: ${reason}.`, { cause: error });
  }
}

function announce({ publicUrl, smtpUrl, dataDir, mongodbUri }: Config): void {
  say(`Parley listens on ${publicUrl}`);
  say(`Its documents are at ${publicUrl}/docs`);
  if (smtpUrl === undefined) say(`Its mails are put into ${join(dataDir, 'outbox')}, for there is no SMTP_URL`);
  say(mongodbUri === undefined ? `Its data is in ${dataDir}` : 'Its data is in the MongoDB of MONGODB_URI');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Ends everything that was started, once: exit code 0 when asked to, 1 with the reason on a failure. */
function end(error?: unknown): Promise<never> {
  ending ??= (async () => {
    setTimeout(() => process.exit(1), shutdownLimit).unref();
    if (error !== undefined) process.stderr.write(`${error instanceof StartupError ? error.message : inspectFailure(error)}\n`);
    let failed = error !== undefined;
    for (const cleanup of cleanups.splice(0).reverse()) {
      await cleanup().catch((reason: unknown) => {
        failed = true;
        process.stderr.write(`${inspectFailure(reason)}\n`);
      });
    }
    process.exit(failed ? 1 : 0);
  })();
  return ending;
}

function inspectFailure(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** What nobody caught ends the server, too, and takes its MongoDB along. */
function listenForFaults(): void {
  for (const fault of ['uncaughtException', 'unhandledRejection'] as const) process.on(fault, (error) => void end(error ?? fault));
}

function listenForSignals(): void {
  let first: number | undefined;
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (first === undefined) {
        first = Date.now();
        void end();
      } else if (Date.now() - first > sameSignal) {
        // As if the signal had killed it.
        process.exit(128 + constants.signals[signal]);
      }
    });
  }
}
