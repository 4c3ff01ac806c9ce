/** Where the embedded MongoDB keeps what inside DATA_DIR, and whether that folder can hold it at all. */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from '../../core/startup.error.ts';

export interface Places {
  dataDir: string;
  database: string;
  socket: string;
  log: string;
  pidFile: string;
  uri: string;
}

// The kernel's room for a socket's path, less the closing zero byte.
const LONGEST_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;
// The longest name of a socket in the folder is that of a claim: claim-<pid>-<6 hex digits>.
const LONGEST_DATA_DIR = LONGEST_SOCKET_PATH - '/claim-4194304-abcdef'.length;

export function placesOf(dataDir: string): Places {
  const socket = join(dataDir, 'mongod.sock');
  return {
    dataDir,
    socket,
    database: join(dataDir, 'mongodb'),
    log: join(dataDir, 'mongod.log'),
    pidFile: join(dataDir, 'mongod.pid'),
    uri: `mongodb://${encodeURIComponent(socket)}`,
  };
}

/**
 * Makes sure that sockets and files can be made in the folder.
 * @throws StartupError when its path is too long, holds a comma, or it cannot be written to
 */
export async function requireUsable(dataDir: string): Promise<void> {
  if (Buffer.byteLength(dataDir) > LONGEST_DATA_DIR) {
    throw new StartupError(
      `The path of DATA_DIR is too long for the Unix socket in it (${dataDir}): choose one of at most ${LONGEST_DATA_DIR} bytes.`,
    );
  }
  // mongod reads the path of its socket from a list separated by commas.
  if (dataDir.includes(',')) {
    throw new StartupError(`DATA_DIR must not contain a comma (${dataDir}): choose another path.`);
  }
  try {
    await mkdir(placesOf(dataDir).database, { recursive: true, mode: 0o700 });
    await access(dataDir, constants.R_OK | constants.W_OK | constants.X_OK);
    await access(placesOf(dataDir).database, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartupError(
      `DATA_DIR cannot be written to (${dataDir}: ${toMessage(error)}): make it writable for this user, or choose another folder.`,
    );
  }
}

export const toMessage = (error: unknown) => (error instanceof Error ? error.message : String(error));
