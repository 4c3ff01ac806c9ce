/** Whether this process has too much to do: by how long the turns of its event loop take, again and again. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Load {
  /** Milliseconds that every other turn of the event loop has taken, or longer, in the last stretch. One long turn does not count. */
  turn(): number;
  stop(): void;
}

/** Milliseconds between two readings of how long a turn takes: no shorter one is seen. */
const resolution = 20;

/** Milliseconds of a stretch. */
const stretch = 1000;

export function watchLoad(): Load {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  let turn = 0;
  const timer = setInterval(() => {
    turn = delays.percentile(50) / 1e6;
    delays.reset();
  }, stretch).unref();
  return {
    turn: () => turn,
    stop() {
      clearInterval(timer);
      delays.disable();
    },
  };
}
