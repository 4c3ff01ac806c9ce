/** Which of two things was stored first, told by the one clock of the store: those of two processes differ. */

/** Sixteen hexadecimal digits, which sort as what they stand for was stored; never the same twice. */
export type Order = string;

/** MongoDB's own timestamp: seconds since the epoch, and a count within the second. */
interface Timestamp {
  t: number;
  i: number;
}

export const toOrder = ({ t, i }: Timestamp): Order => [t, i].map((part) => part.toString(16).padStart(8, '0')).join('');

export const fromOrder = (order: Order): Timestamp => ({ t: parseInt(order.slice(0, 8), 16), i: parseInt(order.slice(8), 16) });

/** The first of what was stored in this second. */
export const orderOf = (time: Date): Order => toOrder({ t: Math.floor(time.getTime() / 1000), i: 0 });

/** When it was stored, to the second. */
export const timeOf = (order: Order): Date => new Date(fromOrder(order).t * 1000);
