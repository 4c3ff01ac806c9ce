/** Who is behind an address, as far as can be told: what is counted of people who have not said who they are. */
import { isIPv6 } from 'node:net';

/**
 * An IPv4 address as it is, an IPv4-mapped one (RFC 4291, section 2.5.5.2) as the IPv4 address in it, any other IPv6
 * address as its /64: the least that a subscriber has (RFC 6177), to take addresses from at will.
 */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const groups = groupsOf(address);
  const isMapped = groups.slice(0, 6).join() === '0,0,0,0,0,65535';
  if (isMapped) return groups.slice(6).flatMap((group) => [group >> 8, group & 0xff]).join('.');
  return `${groups.slice(0, 4).map((group) => group.toString(16)).join(':')}::/64`;
}

/** The eight numbers of an IPv6 address, however it is written (RFC 4291, section 2.2); a zone is left out. */
function groupsOf(address: string): number[] {
  const written = address.replace(/%.*/, '').replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number);
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const [head = [], tail = []] = written.split('::').map((half) => half.split(':').filter(Boolean).map((group) => Number.parseInt(group, 16)));
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}
