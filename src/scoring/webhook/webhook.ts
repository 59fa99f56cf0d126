/**
 * Tells a job's owner that it has ended: signed as Standard Webhooks (github.com/standard-webhooks), with the same id at each
 * attempt so that a receiver can drop repetitions, and retried by the coordinator for half a day.
 */

import { Webhook } from "standardwebhooks";
import { ScoringError } from "../../errors.ts";
import { checkWebhookTarget, type ResolveName } from "./webhook-names.ts";

/** How to sign and send. */
export interface WebhookOptions {
  /** `whsec_` and base64, or the bytes alone. */
  readonly secret: string;
  readonly allowedHosts: readonly string[];
  /** Looks names up, so that none leads into a private network; absent: they are not looked up. */
  readonly resolve?: ResolveName;
  readonly maxRedirects: number;
  readonly timeoutMs: number;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock: () => number;
}

/** Sends one notice. @throws ScoringError `address_forbidden`; `webhook_failed` for anything but a 2xx answer */
export async function sendWebhook(url: string, id: string, payload: string, options: WebhookOptions): Promise<void> {
  const sentAt = new Date(options.clock());
  const headers = {
    "content-type": "application/json",
    "user-agent": "countenance",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(sentAt.getTime() / 1000)),
    "webhook-signature": new Webhook(options.secret).sign(id, sentAt, payload),
  };
  let target = await checkWebhookTarget(url, options);
  for (let hop = 0; hop <= options.maxRedirects; hop++) {
    const response = await post(target, headers, payload, options);
    await response.body?.cancel();
    if (response.ok) return;
    const location = response.headers.get("location");
    // Only these two keep the method and the body (RFC 9110, 15.4).
    const redirects = response.status === 307 || response.status === 308;
    if (!redirects || location === null)
      throw new ScoringError("webhook_failed", `the receiver answered ${response.status}`);
    target = await checkWebhookTarget(new URL(location, target).href, options);
  }
  throw new ScoringError("webhook_failed", "the receiver redirects without end");
}

async function post(
  target: URL,
  headers: Record<string, string>,
  body: string,
  options: WebhookOptions,
): Promise<Response> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  try {
    // Redirects are followed here, each address checked.
    return await options.fetch(target.href, { method: "POST", headers, body, redirect: "manual", signal });
  } catch (cause) {
    throw new ScoringError("webhook_failed", "the receiver could not be reached", { cause });
  }
}
