/** What a peer asks for: carried out at once up to a bound; beyond it frames wait, and the socket is read no more. */
import type { WebSocket } from 'ws';
import { parseFrame, type RpcFault, type RpcRequest } from './frames.ts';

export interface IntakeOptions {
  webSocket: WebSocket;
  answer: (request: RpcRequest | RpcFault) => Promise<object | undefined>;
  send: (frame: Buffer, whenWritten: () => void) => void;
}

export interface Intake {
  receive(text: string): void;
  /** Lets everything in that still waits, and resolves when all of it is answered. */
  drain(): Promise<void>;
}

/** Requests whose answers have not left yet. A peer that asks and does not read would pile them up here. */
const maximumUnanswered = 100;

export function createIntake({ webSocket, answer, send }: IntakeOptions): Intake {
  let waiting: string[] = [];
  let unanswered = 0;
  let underWay = 0;
  let draining = false;
  let whenIdle: (() => void) | undefined;

  const carryOut = async (text: string): Promise<void> => {
    const { batch, requests } = parseFrame(text);
    const [first] = requests;
    underWay += 1;
    unanswered += requests.length;
    const answers = batch ? (await Promise.all(requests.map(answer))).filter((one) => one !== undefined) : first && (await answer(first));
    const release = (): void => {
      unanswered -= requests.length;
      proceed();
    };
    if (answers && !(Array.isArray(answers) && answers.length === 0)) send(Buffer.from(JSON.stringify(answers)), release);
    else release();
    underWay -= 1;
    if (underWay === 0) whenIdle?.();
  };

  const proceed = (): void => {
    // Once the connection is being closed, its session may have ended: nothing more is done in its name.
    if (webSocket.readyState !== webSocket.OPEN) waiting = [];
    while (waiting.length > 0 && (draining || unanswered < maximumUnanswered)) void carryOut(waiting.shift() as string);
    if (waiting.length > 0 || unanswered >= maximumUnanswered) webSocket.pause();
    else if (webSocket.isPaused) webSocket.resume();
  };

  return {
    receive(text) {
      waiting.push(text);
      proceed();
    },
    async drain() {
      draining = true;
      proceed();
      if (underWay > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    },
  };
}
