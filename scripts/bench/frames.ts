/**
 * Frames of websockets (RFC 6455), as far as the load generator needs them: short and in one piece.
 * A complete client would cost more than the servers it drives, and the benchmark would measure the client.
 */
import { randomBytes } from 'node:crypto';

export const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

const final = 0x80;
const masked = 0x80;

/** One for all frames: it protects proxies from hostile pages, and the server unmasks with any that is not zero. */
const mask = randomBytes(4).map((byte) => byte | 1);

export function encodeFrame(opcode: number, text: string): Buffer {
  const length = Buffer.byteLength(text);
  if (length > 0xffff) throw new Error('a frame this long is not in the benchmark');
  const start = length < 126 ? 6 : 8;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = final | opcode;
  frame[1] = masked | Math.min(length, 126);
  if (start === 8) frame.writeUInt16BE(length, 2);
  frame.set(mask, start - 4);
  frame.write(text, start);
  for (let at = 0; at < length; at++) frame[start + at] = (frame[start + at] as number) ^ (mask[at & 3] as number);
  return frame;
}

/** Takes what arrives on the wire, in whatever pieces, and gives one frame after the other. */
export function createReader(onFrame: (opcode: number, payload: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const [start, end] = boundsOf(data, at);
      if (end > data.length) break;
      onFrame((data[at] as number) & 0x0f, data.subarray(start, end));
      at = end;
    }
    rest = data.subarray(at);
  };
}

/** Where the payload of the frame at `at` begins and ends; it ends beyond all data while its length has not arrived. */
function boundsOf(data: Buffer, at: number): [start: number, end: number] {
  const [first, length] = [data[at], data[at + 1]];
  if (first === undefined || length === undefined) return [at, Infinity];
  if ((first & final) === 0 || length > 127) throw new Error('the server sent a frame that is in pieces or masked');
  if (length < 126) return [at + 2, at + 2 + length];
  const start = at + (length === 126 ? 4 : 10);
  if (data.length < start) return [at, Infinity];
  return [start, start + (length === 126 ? data.readUInt16BE(at + 2) : Number(data.readBigUInt64BE(at + 2)))];
}
