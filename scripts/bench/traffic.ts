/** Messages on their way through lines: sends them, sees them arrive, and notes how long each delivery took. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Line } from './jobs.ts';
import { connect } from './websocket.ts';

/** About 100 characters, as people write. */
const text = 'See you at the station at seven, then; the train leaves from platform four, and I have both tickets.';

/** More than this is never sent, however fast the server. */
const maximumSent = 1_000_000;

/** Milliseconds for which the last messages are waited for. */
const patience = 10_000;

export interface Traffic {
  /** How many lines send. */
  senders: number;
  send(sender: number): void;
  /** How many milliseconds each delivery took that has come about since this was last asked. */
  takeLatencies(): number[];
  /** Sends nothing any more, waits until everything has arrived, and disconnects. @throws Error if anything went wrong */
  finish(): Promise<void>;
}

interface OnItsWay {
  began: number;
  /** Deliveries that are still to come. */
  left: number;
}

export async function openTraffic(lines: readonly Line[], onAcknowledged: (sender: number) => void): Promise<Traffic> {
  const onTheirWay = new Map<string, OnItsWay>();
  const readers = countReaders(lines);
  const sending = lines.filter(({ sends }) => sends);
  let latencies: number[] = [];
  let sent = 0;
  let unacknowledged = 0;
  let open = true;
  let failure: string | undefined;

  const arrive = (id: string): void => {
    const message = onTheirWay.get(id);
    if (message) {
      latencies.push(performance.now() - message.began);
      message.left -= 1;
      if (message.left === 0) onTheirWay.delete(id);
    } else failure ??= 'a message arrived that was not on its way';
  };
  const openLine = async (line: Line) => {
    const sender = sending.indexOf(line);
    const client = await connect(line.endpoint, {
      onLost: (reason) => void (failure ??= `a websocket was lost: ${reason}`),
      onReceived({ id, error, method, params }) {
        if (id === undefined) {
          if (line.counts && method === 'message.created' && params?.id !== undefined) arrive(params.id);
          return;
        }
        unacknowledged -= 1;
        if (error) failure ??= `a message was refused: ${error.message}`;
        else onAcknowledged(sender);
      },
    });
    return { ...line, client };
  };
  const opened = await Promise.all(lines.map(openLine));
  const senders = opened.filter(({ sends }) => sends);

  return {
    senders: senders.length,
    send(sender) {
      const line = senders[sender];
      if (!line || !open || failure !== undefined || sent === maximumSent) return;
      const { chatId, client } = line;
      const id = randomUUID();
      sent += 1;
      unacknowledged += 1;
      onTheirWay.set(id, { began: performance.now(), left: readers.get(chatId) ?? 0 });
      client.send({ jsonrpc: '2.0', id: sent, method: 'messages.send', params: { id, chatId, text } });
    },
    takeLatencies() {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    async finish() {
      open = false;
      const deadline = performance.now() + patience;
      while (failure === undefined && (onTheirWay.size > 0 || unacknowledged > 0) && performance.now() < deadline) await delay(20);
      for (const { client } of opened) client.close();
      if (failure === undefined && onTheirWay.size + unacknowledged > 0) failure = `${onTheirWay.size} messages never arrived everywhere, ${unacknowledged} were never acknowledged`;
      if (failure !== undefined) throw new Error(failure);
    },
  };
}

/** By chat: to how many lines a message is delivered. */
function countReaders(lines: readonly Line[]): Map<string, number> {
  const readers = new Map<string, number>();
  for (const { chatId, counts } of lines) if (counts) readers.set(chatId, (readers.get(chatId) ?? 0) + 1);
  return readers;
}
