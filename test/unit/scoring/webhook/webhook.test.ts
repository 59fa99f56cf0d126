import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { Webhook } from "standardwebhooks";
import { createCoordinator } from "../../../../src/scoring/job/coordinator.ts";
import { createMemoryRows } from "../../../../src/scoring/job/memory-rows.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { parseManifest } from "../../../../src/scoring/manifest/manifest.ts";
import type { WorkMessage } from "../../../../src/scoring/job/messages.ts";
import { sendWebhook, type WebhookOptions } from "../../../../src/scoring/webhook/webhook.ts";
import { checkWebhookAddress } from "../../../../src/scoring/webhook/webhook-address.ts";

const secret = `whsec_${Buffer.from("a secret of twenty-four!").toString("base64")}`;

interface Seen {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

let server: Server | null = null;
afterEach(async () => {
  await new Promise((resolve) => (server === null ? resolve(null) : server.close(resolve)));
  server = null;
});

/** A receiver on loopback; `answer` gives status and location for each request. */
async function listen(answer: (seen: readonly Seen[]) => { status: number; location?: string }) {
  const seen: Seen[] = [];
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      seen.push({ path: request.url ?? "", headers, body });
      const { status, location } = answer(seen);
      response.writeHead(status, location === undefined ? {} : { location }).end();
    });
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const host = typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
  const options: WebhookOptions = {
    secret,
    allowedHosts: [host],
    maxRedirects: 3,
    timeoutMs: 5000,
    fetch: (url, init) => fetch(url, init),
    clock: () => Date.now(),
  };
  return { seen, host, options };
}

describe("addresses", () => {
  it.each([
    "https://example.com/hook",
    "https://example.com:8443/hook",
    "https://8.8.8.8/hook",
    "https://[2606:4700::1111]/hook",
  ])("allows %s", (url) => {
    expect(checkWebhookAddress(url, []).protocol).toBe("https:");
  });

  it.each([
    "http://example.com/hook",
    "ftp://example.com/",
    "not a url",
    "https://user:password@example.com/",
    "https://localhost/",
    "https://localhost./",
    "https://intranet/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://10.1.2.3/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1]/",
    "https://[fd00::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:db8::1]/",
  ])("refuses %s", (url) => {
    expect(() => checkWebhookAddress(url, [])).toThrow("address_forbidden");
  });
});

describe("sending", () => {
  it("signs so that a Standard Webhooks library accepts it, and refuses a changed body", async () => {
    const { seen, host, options } = await listen(() => ({ status: 204 }));
    const payload = JSON.stringify({ type: "job.completed", data: { id: "job" } });
    await sendWebhook(`http://${host}/hook`, "job.7", payload, options);
    const [request] = seen;
    expect(request!.headers["webhook-id"]).toBe("job.7");
    expect(new Webhook(secret).verify(request!.body, request!.headers)).toEqual(JSON.parse(payload));
    expect(() => new Webhook(secret).verify(`${request!.body} `, request!.headers)).toThrow("No matching signature");
  });

  it("follows redirects that keep the body, each address checked", async () => {
    const { seen, host, options } = await listen(({ length }) =>
      length === 1 ? { status: 307, location: "/there" } : { status: 200 },
    );
    await sendWebhook(`http://${host}/here`, "job.7", "{}", options);
    expect(seen.map(({ path, body }) => [path, body])).toEqual([
      ["/here", "{}"],
      ["/there", "{}"],
    ]);
  });

  it("never follows a redirect into a private network, nor one without end", async () => {
    const away = await listen(() => ({ status: 307, location: "https://169.254.169.254/" }));
    await expect(sendWebhook(`http://${away.host}/`, "x", "{}", away.options)).rejects.toThrow("address_forbidden");
    expect(away.seen).toHaveLength(1);
    await new Promise((resolve) => server!.close(resolve));
    const circle = await listen(() => ({ status: 308, location: "/" }));
    await expect(sendWebhook(`http://${circle.host}/`, "x", "{}", circle.options)).rejects.toThrow("without end");
    expect(circle.seen).toHaveLength(4);
  });

  it.each([302, 400, 500])("takes a %i for a failure", async (status) => {
    const { host, options } = await listen(() => ({ status, location: "/" }));
    await expect(sendWebhook(`http://${host}/`, "x", "{}", options)).rejects.toThrow("webhook_failed");
  });
});

describe("the coordinator's schedule", () => {
  it("tells once the job has ended, again until it is told to stop, and then no more", async () => {
    let nowMs = 1_800_000_000_000;
    const sent: WorkMessage[] = [];
    const manifest = parseManifest(
      {
        input: { store: "faces", prefix: "in/" },
        output: { store: "faces" },
        notify: { url: "https://example.com/hook" },
      },
      new Map([["faces", { versions: false }]]),
      () => true,
    );
    const spec = { id: "job", createdMs: nowMs, manifest, manifestSha256: "", model: "m@1", modelSha256: "" } as const;
    const job = createCoordinator({
      rows: createMemoryRows(),
      clock: () => nowMs,
      queue: { send: async (messages) => void sent.push(...messages.map(({ message }) => message)) },
    });
    const owner = { keyId: "9f1c2b7a5d3e4f60", grants: null, maxImagesPerDay: null };
    await job.create({ ...spec, pipeline: 1, retryOf: null, owner });
    await job.command("cancel");
    const ticket = await job.beginFinalize(0);
    await job.commitFinalize({ step: 0, attempt: ticket!.attempt, checkpoint: null, done: true });
    const notices = (): WorkMessage[] => sent.filter(({ kind }) => kind === "notify");
    expect(notices()).toHaveLength(1);
    const [first] = notices();
    const eventId = first?.kind === "notify" ? first.eventId : 0;
    const due = await job.readNotice(eventId);
    expect(due).toMatchObject({ url: "https://example.com/hook", keyId: "9f1c2b7a5d3e4f60" });
    expect(JSON.parse(due!.notice.payload)).toMatchObject({ type: "job.cancelled", data: { id: "job" } });

    // The message was lost: the sweep sends it again, when its time has come.
    expect(await job.sweep()).toBe(nowMs + 5000);
    expect(notices()).toHaveLength(1);
    nowMs += 5000;
    await job.sweep();
    expect(notices()).toHaveLength(2);
    await job.finishNotice(eventId);
    nowMs += 86_400_000;
    expect(await job.sweep()).toBeNull();
    expect(notices()).toHaveLength(2);
    expect(await job.readNotice(eventId)).toBeNull();
    expect(LIMITS.maxWebhookRedirects).toBe(3);
  });
});
