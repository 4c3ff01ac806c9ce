/**
 * One server per DATA_DIR: the holder listens on a Unix socket there, which the kernel closes the instant it dies.
 *
 * A socket's file outlives its process, and removing a stale one by its name could remove a rival's fresh
 * one. So nothing is ever taken over in place: each server listens on a socket of its own name first, then
 * makes the symbolic link `claim.<n+1>` to it, where `claim.<n>` is the highest there is and leads to no living
 * socket. Making a link is atomic and fails if the name is taken, so each number has one maker. The highest link
 * is never removed, not even on release, so numbers only grow; a maker who finds a higher one than his own (he
 * slept between looking and making) takes his back and looks again. Hence whoever made the highest link is the
 * one holder, and a link to a dead socket is no claim. A process number, in contrast, may be reused, means
 * nothing to another container, and needs other tools to be checked on each system.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readlink, rm, symlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { StartupError } from '../../core/startup.error.ts';
import { isListening } from './contact.ts';
import { requireUsable } from './places.ts';

export interface Claim {
  release(): Promise<void>;
}

/** @throws StartupError naming the folder and the pid of the server that holds it */
export async function claimDataDir(dataDir: string): Promise<Claim> {
  await requireUsable(dataDir);
  const name = `claim-${process.pid}-${randomBytes(3).toString('hex')}`;
  const server = await listenOn(join(dataDir, name));
  try {
    await takeHighest(dataDir, name);
  } catch (error) {
    await close(server);
    throw error;
  }
  return { release: () => close(server) };
}

async function takeHighest(dataDir: string, name: string): Promise<void> {
  for (;;) {
    const highest = await highestClaim(dataDir);
    await refuseIfAlive(dataDir, highest);
    const mine = linkOf(dataDir, highest + 1);
    if (!(await makeLink(name, mine))) continue;
    if ((await highestClaim(dataDir)) === highest + 1) return removeBelow(dataDir, highest + 1);
    await rm(mine, { force: true });
  }
}

const linkOf = (dataDir: string, number: number) => join(dataDir, `claim.${number}`);

async function claimsIn(dataDir: string): Promise<number[]> {
  const names = await readdir(dataDir);
  return names.flatMap((name) => /^claim\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

const highestClaim = async (dataDir: string) => Math.max(0, ...(await claimsIn(dataDir)));

async function refuseIfAlive(dataDir: string, number: number): Promise<void> {
  if (number === 0 || !(await isListening(linkOf(dataDir, number)))) return;
  const socket = await readlink(linkOf(dataDir, number)).catch(() => '');
  const pid = /^claim-(\d+)-/.exec(socket)?.[1] ?? 'unknown';
  throw new StartupError(
    `Another server is running on DATA_DIR ${dataDir} (pid ${pid}): stop it, or choose another DATA_DIR.`,
  );
}

/** False if the number is taken. */
async function makeLink(target: string, path: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** What the holders before have left behind: all of it is dead, or on its way to notice that it is too low. */
async function removeBelow(dataDir: string, mine: number): Promise<void> {
  for (const number of await claimsIn(dataDir)) {
    if (number >= mine) continue;
    const link = linkOf(dataDir, number);
    const socket = await readlink(link).catch(() => undefined);
    if (socket && !(await isListening(link))) await rm(join(dataDir, socket), { force: true });
    await rm(link, { force: true });
  }
}

async function listenOn(path: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  server.listen(path).unref();
  await once(server, 'listening');
  return server;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}
