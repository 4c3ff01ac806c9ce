/** UUIDs: as text on every wire, as bytes in the store. The driver's own class checks by regular expressions what the contract has checked already; this is on the way of every message. */

/** From its 32 hexadecimal digits, with hyphens or without. */
export const uuidBytes = (id: string): Buffer => Buffer.from(id.replaceAll('-', ''), 'hex');

/** With hyphens, from its 32 hexadecimal digits. */
export const uuidText = (hex: string): string => `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
