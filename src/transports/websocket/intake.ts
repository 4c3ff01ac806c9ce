/** What a peer asks for: a few requests are carried out at once; the others wait, and the socket is read no more. */
import type { WebSocket } from 'ws';
import { createAnswers, parseFrame, type Answers, type RpcFault, type RpcRequest } from './frames.ts';

export interface IntakeOptions {
  webSocket: Pick<WebSocket, 'OPEN' | 'readyState' | 'isPaused' | 'pause' | 'resume'>;
  answer: (request: RpcRequest | RpcFault) => Promise<object | undefined>;
  /** The answer to a request that is not carried out, because the answers before it in its batch are too long. */
  refuse: (request: RpcRequest | RpcFault) => object | undefined;
  send: (frame: Buffer, whenWritten: () => void) => void;
  /** Bytes of answers that the peer has not taken. */
  unsent: () => number;
}

export interface Intake {
  receive(text: string): void;
  /** Lets everything in that still waits, and resolves when all of it is answered. */
  drain(): Promise<void>;
}

/** Requests carried out, or answered and not written yet. Enough for the sends of one peer to share a write of the log. */
const maximumUnanswered = 16;

/** Bytes of answers beyond which nothing new is begun. A peer that asks and does not read would pile them up here. */
const maximumUnsent = 1024 * 1024;

interface Work {
  request: RpcRequest | RpcFault;
  index: number;
  answers: Answers;
}

export function createIntake({ webSocket, answer, refuse, send, unsent }: IntakeOptions): Intake {
  let waiting: Work[] = [];
  let unanswered = 0;
  let underWay = 0;
  let draining = false;
  let whenIdle: (() => void) | undefined;

  const release = (): void => {
    unanswered -= 1;
    proceed();
  };
  const carryOut = async ({ request, index, answers }: Work): Promise<void> => {
    underWay += 1;
    unanswered += 1;
    const frame = answers.take(index, answers.bytes() > maximumUnsent ? refuse(request) : await answer(request));
    if (frame) send(frame, release);
    else release();
    underWay -= 1;
    if (underWay === 0) whenIdle?.();
  };

  const hasRoom = (): boolean => unanswered < maximumUnanswered && unsent() <= maximumUnsent;
  const proceed = (): void => {
    // Once the connection is being closed, its session may have ended: nothing more is done in its name.
    if (webSocket.readyState !== webSocket.OPEN) waiting = [];
    while (waiting.length > 0 && (draining || hasRoom())) void carryOut(waiting.shift() as Work);
    if (!hasRoom()) webSocket.pause();
    else if (webSocket.isPaused) webSocket.resume();
  };

  return {
    receive(text) {
      const frame = parseFrame(text);
      const answers = createAnswers(frame);
      waiting.push(...frame.requests.map((request, index) => ({ request, index, answers })));
      proceed();
    },
    async drain() {
      draining = true;
      proceed();
      if (underWay > 0) await new Promise<void>((resolve) => (whenIdle = resolve));
    },
  };
}
