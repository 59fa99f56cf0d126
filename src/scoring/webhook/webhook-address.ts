/**
 * Where a webhook may go. A caller chooses the address, so it must not lead to what only this deployment can reach: loopback,
 * private and link-local networks, metadata services. Checked when a job is created, at each send and at each redirect.
 *
 * What a name stands for is looked up in `webhook-names.ts`, where a resolver is configured. On the platform a Worker's fetch
 * reaches public addresses only; elsewhere an outgoing proxy should refuse private ones.
 */

import { ScoringError } from "../../errors.ts";

/** Names with a private meaning to resolvers (RFC 6761, RFC 6762, RFC 8375, and the common intranet suffixes). */
const PRIVATE_SUFFIXES = [".localhost", ".local", ".internal", ".intranet", ".lan", ".home", ".corp", ".home.arpa"];

/**
 * Parses and checks an address.
 * @param allowedHosts `host:port` pairs that are allowed although they are private, over http too: for tests and intranets
 * @throws ScoringError `address_forbidden`
 */
export function checkWebhookAddress(text: string, allowedHosts: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : refuse("is not a URL");
  if (url.username !== "" || url.password !== "") refuse("carries credentials");
  if (isAllowedHost(url, allowedHosts)) return url;
  if (url.protocol !== "https:") refuse("is not https");
  const host = url.hostname.replace(/\.$/, "");
  if (host.startsWith("[")) {
    if (!isPublicIpv6(host.slice(1, -1))) refuse("is not a public address");
  } else if (/^[\d.]+$/.test(host)) {
    if (!isPublicIpv4(host)) refuse("is not a public address");
  } else if (!host.includes(".") || PRIVATE_SUFFIXES.some((suffix) => host.endsWith(suffix))) {
    refuse("is not a public name");
  }
  return url;
}

/** Whether the configuration names this receiver: then it is allowed whatever its address is. */
export function isAllowedHost(url: URL, allowedHosts: readonly string[]): boolean {
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  return allowedHosts.includes(`${url.hostname}:${port}`);
}

function refuse(problem: string): never {
  throw new ScoringError("address_forbidden", `the webhook's address ${problem}`);
}

/** First address and prefix length of every block that is not global (IANA special-purpose registry, RFC 6890). */
const PRIVATE_IPV4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  // Multicast, reserved, broadcast.
  ["224.0.0.0", 3],
];

function parseIpv4(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** @param text canonical dotted form: the URL parser has turned octal, hex and short forms into it */
export function isPublicIpv4(text: string): boolean {
  const address = parseIpv4(text);
  return !PRIVATE_IPV4.some(([block, length]) => {
    const size = 2 ** (32 - length);
    return Math.floor(address / size) === Math.floor(parseIpv4(block) / size);
  });
}

/** Only 2000::/3 is global unicast (RFC 4291), less documentation and the tunnels that embed IPv4 addresses. */
export function isPublicIpv6(text: string): boolean {
  const groups = expandIpv6(text);
  const first = groups[0] ?? 0;
  if (first < 0x2000 || first > 0x3fff) return false;
  const second = groups[1] ?? 0;
  // Teredo and the rest of 2001::/23, documentation 2001:db8::/32, 6to4 2002::/16, documentation 3fff::/20.
  if (first === 0x2001 && (second < 0x0200 || second === 0x0db8)) return false;
  return first !== 0x2002 && !(first === 0x3fff && second < 0x1000);
}

/** @param text as the URL parser writes it: hex groups with at most one `::` */
function expandIpv6(text: string): number[] {
  const [head = "", tail] = text.split("::");
  const left = parseGroups(head);
  const right = parseGroups(tail ?? "");
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
}

function parseGroups(part: string): number[] {
  return part === "" ? [] : part.split(":").map((group) => parseInt(group, 16));
}
