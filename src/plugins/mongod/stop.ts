/** Ends a mongod: asked first, told next, killed as the last resort. What it acknowledged is in its journal whichever it is. */
import { rmSync } from 'node:fs';
import { askToShutDown } from './contact.ts';
import type { Places } from './places.ts';
import { isMongod, isRunning, sendSignal } from './process.ts';
import { comesTrue } from './wait.ts';

/** Milliseconds after which it is killed. */
const patience = 3000;

export async function endMongod(pid: number, places: Places): Promise<void> {
  const isGone = () => !isRunning(pid);
  const deadline = Date.now() + patience;
  if (isMongod(pid, places)) {
    const asked = await askToShutDown(places.socket, places.uri);
    if (!(asked && (await comesTrue(isGone, (deadline - Date.now()) / 2)))) {
      sendSignal(pid, 'SIGTERM');
      if (!(await comesTrue(isGone, deadline - Date.now()))) sendSignal(pid, 'SIGKILL');
      await comesTrue(isGone, 1000);
    }
  }
  rmSync(places.socket, { force: true });
  rmSync(places.pidFile, { force: true });
}
