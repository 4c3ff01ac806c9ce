/** Starts the yardstick on the server's core. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nextMessage, startNode } from './processes.ts';
import { pairCount, spread, type Target } from './target.ts';

export async function startRelay(folder: string, core: number): Promise<Target> {
  const file = join(folder, 'relay.log');
  const relay = startNode(['--import', 'tsx', fileURLToPath(new URL('yardstick.ts', import.meta.url)), file], { core, ipc: true });
  const origin = `ws://127.0.0.1:${Number(await nextMessage(relay, 'the yardstick'))}`;

  const pairs = Array.from({ length: pairCount }, (_, index) => {
    // As long as Parley's ids, so that frames weigh the same.
    const chatId = index.toString(16).padStart(24, '0');
    return { chatId, sender: { url: `${origin}/?chat=${chatId}&side=sender`, headers: {} }, receiver: { url: `${origin}/?chat=${chatId}&side=receiver`, headers: {} } };
  });
  return {
    pairs,
    idle: spread([{ url: origin, headers: {} }]),
    pid: relay.pid,
    async stop() {
      await relay.stop();
      await rm(file);
    },
  };
}
