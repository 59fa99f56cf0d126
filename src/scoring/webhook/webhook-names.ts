/**
 * The addresses of a receiver's name. A Worker has no resolver of its own, so a configured one is asked over HTTPS in the JSON form
 * that public resolvers speak (Cloudflare, "DNS over HTTPS: make API requests using JSON"; Google has the same).
 *
 * What this cannot do: the platform looks the name up again when it connects, and a name whose address changes in between (DNS
 * rebinding) goes unnoticed. It narrows what a caller can reach; it does not replace an egress that reaches public addresses only.
 */

import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { readBody } from "../../storage/read-body.ts";
import { checkWebhookAddress, isAllowedHost, isPublicIpv4, isPublicIpv6 } from "./webhook-address.ts";

/** Every IPv4 and IPv6 address of a name, none if there is no such name. @throws ScoringError `webhook_failed` if the lookup fails */
export type ResolveName = (name: string) => Promise<readonly string[]>;

/** How to ask a resolver. */
export interface ResolverOptions {
  /** Address of its JSON endpoint; `name` and `type` are added as parameters. */
  readonly url: string;
  readonly timeoutMs: number;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** Record types and answer codes of DNS (RFC 1035, RFC 3596). */
const RECORD_TYPES = { A: 1, AAAA: 28 } as const;
const NO_ERROR = 0;
const NO_SUCH_NAME = 3;
/** An answer with a few addresses is far smaller. */
const MAX_ANSWER_BYTES = 64 * 1024;

const answerShape = z.object({
  Status: z.int(),
  Answer: z.array(z.object({ type: z.int(), data: z.string() })).optional(),
});

/** A resolver over HTTPS. Nothing is cached: a name is looked up whenever it matters. */
export function createNameResolver(options: ResolverOptions): ResolveName {
  async function ask(name: string, type: keyof typeof RECORD_TYPES): Promise<readonly string[]> {
    const url = new URL(options.url);
    url.searchParams.set("name", name);
    url.searchParams.set("type", type);
    let answer: z.output<typeof answerShape>;
    try {
      const signal = AbortSignal.timeout(options.timeoutMs);
      const headers = { accept: "application/dns-json" };
      const response = await options.fetch(url.href, { headers, redirect: "manual", signal });
      if (!response.ok || response.body === null) throw new Error(`the resolver answered ${response.status}`);
      const text = new TextDecoder().decode(await readBody(response.body, MAX_ANSWER_BYTES));
      answer = answerShape.parse(JSON.parse(text));
    } catch (cause) {
      throw new ScoringError("webhook_failed", "the webhook's name could not be looked up", { cause });
    }
    if (answer.Status === NO_SUCH_NAME) return [];
    if (answer.Status !== NO_ERROR) {
      throw new ScoringError("webhook_failed", `the webhook's name could not be looked up (DNS ${answer.Status})`);
    }
    // The answer also holds the aliases on the way to the addresses.
    return (answer.Answer ?? []).filter((record) => record.type === RECORD_TYPES[type]).map(({ data }) => data);
  }

  return async (name) => [...(await ask(name, "A")), ...(await ask(name, "AAAA"))];
}

/**
 * Checks where a webhook would go: the address as it is written and, with a resolver, every address that its name has.
 * @param rules.resolve absent: names are not looked up
 * @throws ScoringError `address_forbidden`; `webhook_failed` if the name cannot be looked up now
 */
export async function checkWebhookTarget(
  text: string,
  rules: { readonly allowedHosts: readonly string[]; readonly resolve?: ResolveName },
): Promise<URL> {
  const url = checkWebhookAddress(text, rules.allowedHosts);
  const name = url.hostname.replace(/\.$/, "");
  if (rules.resolve === undefined || isAddress(name) || isAllowedHost(url, rules.allowedHosts)) return url;
  const addresses = await rules.resolve(name);
  if (addresses.length === 0) throw new ScoringError("address_forbidden", "the webhook's name has no address");
  if (!addresses.every(isPublic)) {
    throw new ScoringError("address_forbidden", "the webhook's name has an address that is not public");
  }
  return url;
}

function isAddress(host: string): boolean {
  return host.startsWith("[") || /^[\d.]+$/.test(host);
}

/** Whatever a resolver wrote, in the form that the URL parser gives addresses; anything else is not public. */
function isPublic(address: string): boolean {
  const text = address.includes(":") ? `https://[${address}]/` : `https://${address}/`;
  if (!URL.canParse(text)) return false;
  const host = new URL(text).hostname;
  if (host.startsWith("[")) return isPublicIpv6(host.slice(1, -1));
  return /^\d+(\.\d+){3}$/.test(host) && isPublicIpv4(host);
}
