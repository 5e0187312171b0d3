import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Well-known names of metadata services. `guardedLookup` catches other names when it resolves them. */
const NAMES: ReadonlySet<string> = new Set(['metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data']);

/** All link-local addresses, and other addresses where clouds hand out credentials to any process. */
const metadata = new BlockList();
metadata.addSubnet('169.254.0.0', 16);
// Azure's WireServer, Alibaba Cloud, and Oracle Cloud.
for (const address of ['168.63.129.16', '100.100.100.200', '192.0.0.192']) metadata.addAddress(address);
metadata.addSubnet('fe80::', 10, 'ipv6');
// AWS, with EKS Pod Identity.
metadata.addSubnet('fd00:ec2::', 32, 'ipv6');
// Google Cloud, Oracle Cloud, and Scaleway.
for (const address of ['fd20:ce::254', 'fd00:c1::a9fe:a9fe', 'fd00:42::42']) metadata.addAddress(address, 'ipv6');

/** IPv6 prefixes that embed an IPv4 address: its position, and a mask for prefixes that store it inverted. */
const EMBEDDINGS: readonly { starts: readonly (number | 'any')[]; at: number; xor?: number }[] = [
  // IPv4-compatible, IPv4-mapped (RFC 4291) and IPv4-translated (RFC 2765).
  { starts: [0, 0, 0, 0, 0, 0], at: 6 },
  { starts: [0, 0, 0, 0, 0, 0xffff], at: 6 },
  { starts: [0, 0, 0, 0, 0xffff, 0], at: 6 },
  // NAT64: the well-known prefix (RFC 6052) and the prefix for local use (RFC 8215).
  { starts: [0x64, 0xff9b, 0, 0, 0, 0], at: 6 },
  { starts: [0x64, 0xff9b, 1], at: 6 },
  // 6to4 (RFC 3056), Teredo (RFC 4380) and ISATAP (RFC 5214).
  { starts: [0x2002], at: 1 },
  { starts: [0x2001, 0], at: 6, xor: 0xffff },
  { starts: ['any', 'any', 'any', 'any', 0, 0x5efe], at: 6 },
  { starts: ['any', 'any', 'any', 'any', 0x200, 0x5efe], at: 6 },
];

/**
 * Whether a host is link-local or a cloud's metadata service, which hands out credentials.
 * @param host a lower-case name or an address, in the form that a URL or the system's resolver returns.
 */
export function isMetadataHost(host: string): boolean {
  const [plain = ''] = host.replace(/^\[|\]$|\.$/g, '').split('%');
  if (isIP(plain) === 4) return metadata.check(plain);
  if (isIP(plain) === 6) return metadata.check(plain, 'ipv6') || embeddedIn(plain).some((each) => metadata.check(each));
  return NAMES.has(plain);
}

/** The IPv4 addresses that a gateway could extract from an IPv6 address. */
function embeddedIn(address: string): string[] {
  const groups = groupsOf(address);
  return EMBEDDINGS.filter(({ starts }) => starts.every((group, at) => group === 'any' || group === groups[at])).map(
    ({ at, xor = 0 }) =>
      [at, at + 1]
        .map((each) => (groups[each] ?? 0) ^ xor)
        .flatMap((group) => [group >> 8, group & 0xff])
        .join('.'),
  );
}

/** The eight groups of an IPv6 address. Parsing it as a URL normalizes the notation. */
function groupsOf(address: string): number[] {
  const [head = '', tail = ''] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const [left, right] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = 8 - (left?.length ?? 0) - (right?.length ?? 0);
  return [...(left ?? []), ...Array<string>(zeros).fill('0'), ...(right ?? [])].map((group) => parseInt(group, 16));
}

/** DNS lookup for connections to a sink. It checks every connection, because a name can resolve to a new address at any time. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, options, (error, address, family) => {
    const found: readonly string[] = Array.isArray(address) ? address.map((each) => each.address) : [address];
    if (error === null && found.some(isMetadataHost))
      callback(new Error(`${hostname} resolves to a link-local or metadata address`), address, family);
    else callback(error, address, family);
  });
};
