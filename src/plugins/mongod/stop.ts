/** Ends a mongod: asked first, told next, killed as the last resort, in about eight seconds at most. */
import { rmSync } from 'node:fs';
import { askToShutDown } from './contact.ts';
import type { Places } from './places.ts';
import { isMongod, isRunning, sendSignal } from './process.ts';
import { comesTrue } from './wait.ts';

export async function endMongod(pid: number, places: Places): Promise<void> {
  const isGone = () => !isRunning(pid);
  if (isMongod(pid, places)) {
    const asked = await askToShutDown(places.socket, places.uri);
    if (!(asked && (await comesTrue(isGone, 4000)))) {
      sendSignal(pid, 'SIGTERM');
      if (!(await comesTrue(isGone, 2000))) sendSignal(pid, 'SIGKILL');
      await comesTrue(isGone, 1000);
    }
  }
  rmSync(places.socket, { force: true });
  rmSync(places.pidFile, { force: true });
}
