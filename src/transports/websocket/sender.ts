/** The way out of a websocket: everything written in one turn of the event loop leaves in one system call. */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

export interface Sender {
  event: (frame: Buffer) => void;
  /** `whenWritten` is called once the frame has left this process, or never will. */
  answer: (frame: Buffer, whenWritten: () => void) => void;
  /**
   * Bytes of events that the peer has not taken. Those of this turn do not count, for it had no chance to take them, and
   * answers do not, for nothing new is begun while they pile up: a long catching-up must not be cut off by the next event.
   */
  unsent: () => number;
  /** Bytes of answers that the peer has not taken. */
  unsentAnswers: () => number;
}

export function createSender(webSocket: WebSocket, socket: Socket): Sender {
  let corked = false;
  let left = 0;
  let answers = 0;
  const unsentEvents = (): number => webSocket.bufferedAmount - answers;
  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  const write = (frame: Buffer, whenWritten?: () => void): void => {
    if (!corked) {
      corked = true;
      left = unsentEvents();
      socket.cork();
      process.nextTick(uncork);
    }
    webSocket.send(frame, { binary: false }, whenWritten);
  };

  return {
    unsent: () => (corked ? left : unsentEvents()),
    unsentAnswers: () => answers,
    event(frame) {
      if (webSocket.readyState === webSocket.OPEN) write(frame);
    },
    answer(frame, whenWritten) {
      if (webSocket.readyState !== webSocket.OPEN) {
        whenWritten();
        return;
      }
      answers += frame.length;
      write(frame, () => {
        answers -= frame.length;
        whenWritten();
      });
    },
  };
}
