/** Messages on their way between pairs: sends them, sees them arrive, and notes how long each took. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pair } from './jobs.ts';
import { connect } from './websocket.ts';

/** About 100 characters, as people write. */
const text = 'See you at the station at seven, then; the train leaves from platform four, and I have both tickets.';

/** More than this is never sent, however fast the server. */
const maximumSent = 1_000_000;

/** Milliseconds for which the last messages are waited for. */
const patience = 10_000;

export interface Traffic {
  send(pair: number): void;
  /** How many milliseconds each message took that has arrived since this was last asked. */
  takeLatencies(): number[];
  /** Sends nothing any more, waits until everything has arrived, and disconnects. @throws Error if anything went wrong */
  finish(): Promise<void>;
}

export async function openTraffic(pairs: readonly Pair[], onAcknowledged: (pair: number) => void): Promise<Traffic> {
  const sentAt = new Map<string, number>();
  let latencies: number[] = [];
  let sent = 0;
  let unacknowledged = 0;
  let open = true;
  let failure: string | undefined;
  const onLost = (reason: string): void => void (failure ??= `a websocket was lost: ${reason}`);

  const openPair = async (pair: Pair, index: number) => {
    const receiver = await connect(pair.receiver, {
      onLost,
      onReceived({ method, params }) {
        if (method !== 'message.created' || params?.id === undefined) return;
        const began = sentAt.get(params.id);
        if (began === undefined) failure ??= 'a message arrived that was not on its way';
        else latencies.push(performance.now() - began);
        sentAt.delete(params.id);
      },
    });
    const sender = await connect(pair.sender, {
      onLost,
      onReceived({ id, error }) {
        if (id === undefined) return;
        unacknowledged -= 1;
        if (error) failure ??= `a message was refused: ${error.message}`;
        else onAcknowledged(index);
      },
    });
    return { chatId: pair.chatId, receiver, sender };
  };
  const lines = await Promise.all(pairs.map(openPair));

  return {
    send(pair) {
      const line = lines[pair];
      if (!line || !open || failure !== undefined || sent === maximumSent) return;
      const id = randomUUID();
      sent += 1;
      unacknowledged += 1;
      sentAt.set(id, performance.now());
      line.sender.send({ jsonrpc: '2.0', id: sent, method: 'messages.send', params: { id, chatId: line.chatId, text } });
    },
    takeLatencies() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    async finish() {
      open = false;
      const deadline = performance.now() + patience;
      while (failure === undefined && (sentAt.size > 0 || unacknowledged > 0) && performance.now() < deadline) await delay(20);
      for (const { sender, receiver } of lines) {
        sender.close();
        receiver.close();
      }
      if (failure === undefined && sentAt.size + unacknowledged > 0) failure = `${sentAt.size} messages never arrived, ${unacknowledged} were never acknowledged`;
      if (failure !== undefined) throw new Error(failure);
    },
  };
}
