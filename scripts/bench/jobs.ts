/** What the load generator can be asked to do, and what it answers: the words between it and the benchmark. */

/** Where to open a websocket. */
export interface Endpoint {
  url: string;
  headers: Record<string, string>;
}

/** Two people with a chat of their own. */
export interface Pair {
  chatId: string;
  sender: Endpoint;
  receiver: Endpoint;
}

interface Traffic {
  pairs: readonly Pair[];
  /** Seconds before the window that is measured, and its length. */
  warmUp: number;
  measured: number;
  /** Processes whose share of a core within the window is wanted. */
  watched: readonly number[];
}

/** Closed loop: each sender keeps so many messages unacknowledged, and sends the next when one is acknowledged. */
export type Flood = Traffic & { kind: 'flood'; inFlight: number };

/** Open loop: so many messages a second in all, evenly spread over time and pairs, whatever becomes of them. */
export type Pace = Traffic & { kind: 'pace'; perSecond: number };

/** Websockets that are opened, kept until the load generator ends, and do nothing. */
export interface Idle {
  kind: 'idle';
  endpoints: readonly Endpoint[];
  perSecond: number;
}

export type Job = Flood | Pace | Idle;

export interface TrafficResult {
  deliveredPerSecond: number;
  /** Milliseconds from the sender's write to the receiver's read. */
  p50: number;
  p95: number;
  p99: number;
  /** Shares of a core: of the load generator itself, and of each process watched. */
  cpu: { load: number; watched: number[] };
}

export type Reply = { result: TrafficResult | undefined } | { error: string };
