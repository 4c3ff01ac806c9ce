/** The way out of a websocket: everything written in one turn of the event loop leaves in one system call. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** A class, for there is one per connection: its functions are there once, and not for each. */
export class Sender {
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  #corked = false;
  #left = 0;
  #answers = 0;

  constructor(webSocket: WebSocket, socket: Socket) {
    this.#webSocket = webSocket;
    this.#socket = socket;
  }

  /**
   * Bytes of events that the peer has not taken. Those of this turn do not count, for it had no chance to take them, and
   * answers do not, for nothing new is begun while they pile up: a long catching-up must not be cut off by the next event.
   */
  unsent(): number {
    return this.#corked ? this.#left : this.#unsentEvents();
  }

  /** Bytes of answers that the peer has not taken. */
  unsentAnswers(): number {
    return this.#answers;
  }

  event(frame: Buffer): void {
    if (this.#isOpen()) this.#write(frame);
  }

  /** `whenWritten` is called once the frame has left this process, or never will. */
  answer(frame: Buffer, whenWritten: () => void): void {
    if (!this.#isOpen()) {
      whenWritten();
      return;
    }
    this.#answers += frame.length;
    this.#write(frame, () => {
      this.#answers -= frame.length;
      whenWritten();
    });
  }

  #isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  #unsentEvents(): number {
    return this.#webSocket.bufferedAmount - this.#answers;
  }

  #write(frame: Buffer, whenWritten?: () => void): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#left = this.#unsentEvents();
      this.#socket.cork();
      process.nextTick(uncork, this);
    }
    this.#webSocket.send(frame, { binary: false }, whenWritten);
  }

  /** Lets go what was held back in this turn. */
  uncork(): void {
    this.#corked = false;
    this.#socket.uncork();
  }
}

const uncork = (sender: Sender): void => sender.uncork();
