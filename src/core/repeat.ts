/** Work that is done again and again, for as long as the process lives. */

export interface Repeated {
  /** Begins it no more; what is under way goes on, and its failure is nobody's concern. */
  stop(): void;
}

/** Does it once so many milliseconds have passed, and each time so long after the last has ended; failures are reported. */
export function repeat(work: () => Promise<void>, milliseconds: number, onError: (error: unknown) => void): Repeated {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(() => void work().catch((error: unknown) => stopped || onError(error)).then(again), milliseconds).unref();
  };
  again();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
