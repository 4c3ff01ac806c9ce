/**
 * A sender that never gives up: keeps a few messages in flight, and after every failure resends in order what was not
 * acknowledged, with the same ids. It notes what it was told.
 */
import { randomUUID } from 'node:crypto';
import { WebSocket, type RawData } from 'ws';
import type { Ending } from './ending.ts';

export interface Speaker {
  /** The ids in the order in which they were first said. */
  said: string[];
  acknowledged: Map<string, number>;
  /** Codes of the errors that were answered, in order. */
  refusals: string[];
  /** Resolves when this many more messages are acknowledged. */
  acknowledges: (count: number) => Promise<void>;
  /** Resolves when something is refused, now or later. */
  refused: () => Promise<void>;
  /** Says nothing new, and resolves when everything said is acknowledged. */
  finish: () => Promise<void>;
}

const inFlight = 4;

/** It speaks until it is to finish, or the test ends. */
export function startSpeaking(t: Ending, url: string, token: string, chatId: string): Speaker {
  const said: string[] = [];
  const acknowledged = new Map<string, number>();
  const refusals: string[] = [];
  const watchers: { when: () => boolean; resolve: () => void }[] = [];
  let finishing = false;
  let connection: WebSocket | undefined;
  let brokenOff = false;

  const settled = (when: () => boolean): Promise<void> => new Promise((resolve) => {
    watchers.push({ when, resolve });
    notify();
  });
  const notify = (): void => {
    for (const watcher of watchers.filter(({ when }) => when())) {
      watchers.splice(watchers.indexOf(watcher), 1);
      watcher.resolve();
    }
  };
  const isDone = (): boolean => brokenOff || (finishing && said.every((id) => acknowledged.has(id)));

  /** One connection: first what is owed, then new things, until it breaks, is refused, or there is nothing left to say. */
  const converse = async (): Promise<void> => {
    const webSocket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { headers: { authorization: `Bearer ${token}` } });
    connection = webSocket;
    const closed = new Promise((resolve) => webSocket.on('close', resolve));
    webSocket.on('error', () => undefined);
    const owed = said.filter((id) => !acknowledged.has(id));
    const sendNext = (): void => {
      if (owed.length === 0 && finishing) return;
      const id = owed.shift() ?? say();
      webSocket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'messages.send', params: { id, chatId, text: `message ${id}` } }));
    };
    const say = (): string => {
      const id = randomUUID();
      said.push(id);
      return id;
    };
    webSocket.on('open', () => {
      for (let count = 0; count < inFlight; count++) sendNext();
      if (isDone()) webSocket.close();
    });
    webSocket.on('message', (data: RawData) => {
      const frame = JSON.parse((data as Buffer).toString()) as { id?: string; result?: { seq: number }; error?: { data: { code: string } } };
      if (frame.id === undefined) return;
      if (frame.error) {
        refusals.push(frame.error.data.code);
        webSocket.close();
      } else if (frame.result) {
        acknowledged.set(frame.id, frame.result.seq);
        if (webSocket.readyState === WebSocket.OPEN) sendNext();
        if (isDone()) webSocket.close();
      }
      notify();
    });
    await closed;
  };

  const speak = async (): Promise<void> => {
    while (!isDone()) {
      await converse();
      // A server that is not there refuses at once: let it come back.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    notify();
  };
  const speaking = speak();
  t.after(() => {
    brokenOff = true;
    connection?.terminate();
  });

  return {
    said,
    acknowledged,
    refusals,
    acknowledges(count) {
      const goal = acknowledged.size + count;
      return settled(() => acknowledged.size >= goal);
    },
    refused: () => settled(() => refusals.length > 0),
    async finish() {
      finishing = true;
      await speaking;
    },
  };
}
