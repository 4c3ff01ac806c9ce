/** JSON-RPC 2.0 (jsonrpc.org/specification): what a frame asks for, and how answers and events are spelled. */
import { parse } from 'secure-json-parse';
import type { AnyEvent } from '../../core/contract.ts';
import { toWire, type AppError, type ErrorCode } from '../../core/errors.ts';

type RequestId = string | number | null;

export interface RpcRequest {
  /** Absent in a notification, which is carried out and not answered. */
  id?: RequestId;
  method: string;
  params: unknown;
}

/** Something that is not a request, in the words of the specification and by our table. */
export interface RpcFault {
  number: number;
  message: string;
  code: ErrorCode;
}

export interface RpcFrame {
  /** The answers go back together, in one array. */
  batch: boolean;
  requests: (RpcRequest | RpcFault)[];
}

/** The specification's numbers for its own cases; everything else is ours. */
const numbers: Partial<Record<ErrorCode, number>> = { VALIDATION_FAILED: -32602, UNKNOWN_OPERATION: -32601 };
const ourNumber = -32000;

/** More at once would be a frame that costs thousands of operations. */
const maximumBatch = 50;

const invalidRequest = (message = 'Not a JSON-RPC 2.0 request.'): RpcFault => ({ number: -32600, message, code: 'BAD_REQUEST' });

export function parseFrame(text: string): RpcFrame {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    return { batch: false, requests: [{ number: -32700, message: 'Not valid JSON.', code: 'MALFORMED_JSON' }] };
  }
  if (!Array.isArray(value)) return { batch: false, requests: [toRequest(value)] };
  if (value.length === 0 || value.length > maximumBatch) return { batch: false, requests: [invalidRequest(`A batch has 1 to ${maximumBatch} requests.`)] };
  return { batch: true, requests: value.map((one) => toRequest(one)) };
}

function toRequest(value: unknown): RpcRequest | RpcFault {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalidRequest();
  const { jsonrpc, id, method, params = {} } = value as Record<string, unknown>;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || typeof params !== 'object' || params === null) return invalidRequest();
  if (id === undefined) return { method, params };
  return isRequestId(id) ? { id, method, params } : invalidRequest();
}

/** Finite, for 1e999 is valid JSON and could not be sent back. */
const isRequestId = (id: unknown): id is RequestId => id === null || typeof id === 'string' || Number.isFinite(id);

export const resultAnswer = (id: RequestId, result: unknown): object => ({ jsonrpc: '2.0', id, result });

export function errorAnswer(id: RequestId, error: AppError, requestId: string): object {
  const { code, message, details } = toWire(error);
  return { jsonrpc: '2.0', id, error: { code: numbers[code] ?? ourNumber, message, data: { code, ...(details && { details }), requestId } } };
}

export const faultAnswer = ({ number, message, code }: RpcFault, requestId: string): object => ({
  jsonrpc: '2.0',
  id: null,
  error: { code: number, message, data: { code, requestId } },
});

export interface Answers {
  /** Takes the answer to one request, or none for a notification; gives what goes back once it was the last to come. */
  take: (index: number, answer: object | undefined) => Buffer | undefined;
  /** Bytes that wait for the others of their batch. */
  bytes: () => number;
}

/** The answers to one frame; those to a batch go back together, in the order of its requests. */
export function createAnswers({ batch, requests }: RpcFrame): Answers {
  const texts: (string | undefined)[] = [];
  let missing = requests.length;
  let bytes = 0;
  return {
    bytes: () => bytes,
    take(index, answer) {
      const text = answer && JSON.stringify(answer);
      if (!batch) return text === undefined ? undefined : Buffer.from(text);
      texts[index] = text;
      if (text !== undefined) bytes += Buffer.byteLength(text);
      missing -= 1;
      return missing === 0 && bytes > 0 ? Buffer.from(`[${texts.filter((one) => one !== undefined).join(',')}]`) : undefined;
    },
  };
}

/** An event is a notification. */
export const encodeEvent = ({ name, payload }: AnyEvent): Buffer => Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: name, params: payload }));
