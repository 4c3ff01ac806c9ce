/** What a peer asks for: a few requests are carried out at once; the others wait, and the socket is read no more. */
import type { WebSocket } from 'ws';
import { createAnswers, parseFrame, type Answers, type RpcFault, type RpcRequest } from './frames.ts';
import type { Sender } from './sender.ts';

export interface IntakeParts {
  webSocket: Pick<WebSocket, 'OPEN' | 'readyState' | 'isPaused' | 'pause' | 'resume'>;
  sender: Pick<Sender, 'answer' | 'unsentAnswers'>;
  responder: Responder;
}

/** Gives what a request is answered; undefined for a notification. */
export interface Responder {
  answer(request: RpcRequest | RpcFault): Promise<object | undefined>;
  /** For a request that is not carried out, because the answers before it in its batch are too long. */
  refuse(request: RpcRequest | RpcFault): object | undefined;
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

/** A class, for there is one per connection: its functions are there once, and not for each. */
export class Intake {
  readonly #webSocket: IntakeParts['webSocket'];
  readonly #sender: IntakeParts['sender'];
  readonly #responder: Responder;
  #waiting: Work[] = [];
  #unanswered = 0;
  #underWay = 0;
  #draining = false;
  #whenIdle: (() => void) | undefined;

  constructor({ webSocket, sender, responder }: IntakeParts) {
    this.#webSocket = webSocket;
    this.#sender = sender;
    this.#responder = responder;
  }

  receive(text: string): void {
    const frame = parseFrame(text);
    const answers = createAnswers(frame);
    this.#waiting.push(...frame.requests.map((request, index) => ({ request, index, answers })));
    this.#proceed();
  }

  /** Lets everything in that still waits, and resolves when all of it is answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#proceed();
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  #proceed(): void {
    // Once the connection is being closed, its session may have ended: nothing more is done in its name.
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) this.#waiting = [];
    while (this.#waiting.length > 0 && (this.#draining || this.#hasRoom())) void this.#carryOut(this.#waiting.shift() as Work);
    if (!this.#hasRoom()) this.#webSocket.pause();
    else if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  #hasRoom(): boolean {
    return this.#unanswered < maximumUnanswered && this.#sender.unsentAnswers() <= maximumUnsent;
  }

  async #carryOut({ request, index, answers }: Work): Promise<void> {
    this.#underWay += 1;
    this.#unanswered += 1;
    const frame = answers.take(index, answers.bytes() > maximumUnsent ? this.#responder.refuse(request) : await this.#responder.answer(request));
    if (frame) this.#sender.answer(frame, () => this.#release());
    else this.#release();
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#whenIdle?.();
  }

  #release(): void {
    this.#unanswered -= 1;
    this.#proceed();
  }
}
