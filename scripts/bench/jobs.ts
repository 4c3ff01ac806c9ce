/** What the load generator can be asked to do, and what it answers: the words between it and the benchmark. */

/** Where to open a websocket. */
export interface Endpoint {
  url: string;
  headers: Record<string, string>;
}

/** A connection that messages go through. */
export interface Line {
  chatId: string;
  endpoint: Endpoint;
  /** It sends to the chat. */
  sends: boolean;
  /** Each message of the chat that it is told of is a delivery, be it its own. */
  counts: boolean;
}

interface Traffic {
  lines: readonly Line[];
  /** Seconds before the window that is measured, and its length. */
  warmUp: number;
  measured: number;
  /** Processes whose share of a core within the window is wanted. */
  watched: readonly number[];
}

/** Closed loop: each sender keeps so many messages unacknowledged, and sends the next when one is acknowledged. */
export type Flood = Traffic & { kind: 'flood'; inFlight: number };

/** Open loop: so many messages a second in all, evenly spread over time and senders, whatever becomes of them. */
export type Pace = Traffic & { kind: 'pace'; perSecond: number };

/** Websockets that are opened, kept until the load generator ends, and do nothing. */
export interface Idle {
  kind: 'idle';
  endpoints: readonly Endpoint[];
  perSecond: number;
}

export interface Request {
  method: string;
  params: object;
}

/** One after the other, each once the one before is answered: how long all of them take is one time that is measured. */
export type Series = readonly Request[];

/** What is asked of one kind, in turn. */
export interface Question {
  endpoint: Endpoint;
  series: readonly Series[];
}

/** One client: so many seconds of asking to get warm, and then those that count. What was begun is asked to its end. */
export interface Ask {
  kind: 'ask';
  questions: readonly Question[];
  warmUp: number;
  measured: number;
}

export type Job = Flood | Pace | Idle | Ask;

export interface TrafficResult {
  deliveredPerSecond: number;
  /** Milliseconds from the sender's write to the receiver's read, of each delivery. */
  p50: number;
  p95: number;
  p99: number;
  /** Shares of a core: of the load generator itself, and of each process watched. */
  cpu: { load: number; watched: number[] };
}

/** Milliseconds that a series of a question takes, over all of them and every time they were asked. */
export interface AnswerTimes {
  p50: number;
  p95: number;
}

/** What each kind of job gives. */
export interface Results {
  flood: TrafficResult;
  pace: TrafficResult;
  idle: undefined;
  /** Of each question. */
  ask: AnswerTimes[];
}

export type Reply = { result: Results[Job['kind']] } | { error: string };
