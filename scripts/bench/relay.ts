/** Starts the yardstick on the server's core. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Endpoint } from './jobs.ts';
import { nextMessage, startNode } from './processes.ts';
import { groupOf, groupSize, pairCount, pairOf, spread, type Target } from './target.ts';

export async function startRelay(folder: string, core: number): Promise<Target> {
  const file = join(folder, 'relay.log');
  const relay = startNode(['--import', 'tsx', fileURLToPath(new URL('yardstick.ts', import.meta.url)), file], { core, ipc: true });
  const origin = `ws://127.0.0.1:${Number(await nextMessage(relay, 'the yardstick'))}`;
  const listener = (chatId: string): Endpoint => ({ url: `${origin}/?listen=${chatId}`, headers: {} });
  const stranger: Endpoint = { url: origin, headers: {} };

  return {
    pairs: Array.from({ length: pairCount }, (_, index) => pairOf(chatIdOf(index), stranger, listener(chatIdOf(index)))).flat(),
    group: groupOf(chatIdOf(pairCount), Array.from({ length: groupSize }, () => listener(chatIdOf(pairCount)))),
    idle: spread([stranger]),
    pid: relay.pid,
    async stop() {
      await relay.stop();
      await rm(file);
    },
  };
}

/** As long as Parley's ids, so that frames weigh the same. */
const chatIdOf = (index: number): string => index.toString(16).padStart(24, '0');
