import { createServer, type Server } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { type Api, createApi } from "../../src/client/api.ts";
import { ADMIN, type Deployment, startPlatform } from "./platform.ts";

/**
 * A job that tells of its end, and receivers that it may not have: `wrangler dev`, and on loopback a receiver, a resolver that answers as
 * public ones do, and a server that nobody allowed.
 */

const secret = `whsec_${Buffer.from("a secret of twenty-four!").toString("base64")}`;
/** What the resolver says, one answer after the other; the last stays. No entry: there is no such name. */
const ZONE: Record<string, string[]> = {
  "inside.example": ["10.0.0.1"],
  "mapped.example": ["::ffff:127.0.0.1"],
  "metadata.example": ["fd00:ec2::254"],
  "rebinding.example": ["93.184.215.14", "127.0.0.1"],
};
const asked: string[] = [];
/** Where the receiver sends on; null: it takes the message. */
let redirectTo: string | null = null;
let forbidden: Server;
let forbiddenHost = "";
let reached = 0;
let folder = "";
let server: Server;
let host = "";
let worker: Deployment;
let api: Api;
let told: (request: { readonly headers: Record<string, string>; readonly body: string }) => void = () => undefined;

function findHost(one: Server): string {
  const address = one.address();
  return typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
}

/** Reads the server's log again and again, until it has tried to tell of this job; what it says of that. */
async function waitForAttempt(id: string): Promise<string> {
  const lines = (): string[] => worker.output().split("\n");
  const marks = [id, '"message_settled"', '"work":"notify"'];
  const isSettled = (): boolean => lines().some((line) => marks.every((mark) => line.includes(mark)));
  while (!isSettled()) await fetch(`${worker.origin}/healthz`);
  return lines()
    .filter((line) => line.includes(id) && line.includes('"work_failed"'))
    .join("\n");
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-webhook-"));
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://loopback");
    if (url.pathname === "/dns-query") {
      const [name, type] = [url.searchParams.get("name") ?? "", url.searchParams.get("type") ?? ""];
      const answers = ZONE[name];
      const [data = ""] = answers ?? [];
      const isAsked = answers !== undefined && data.includes(":") === (type === "AAAA");
      if (isAsked) asked.push(`${name} ${data}`);
      if (isAsked && answers.length > 1) answers.shift();
      const records = isAsked ? [{ type: type === "AAAA" ? 28 : 1, data }] : [];
      const answer = answers === undefined ? { Status: 3 } : { Status: 0, Answer: records };
      response.writeHead(200, { "content-type": "application/dns-json" }).end(JSON.stringify(answer));
      return;
    }
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      if (redirectTo === null) response.writeHead(204).end();
      else response.writeHead(307, { location: redirectTo }).end();
      told({ headers, body });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  forbidden = createServer((_, response) => {
    reached += 1;
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => forbidden.listen(0, "127.0.0.1", resolve));
  host = findHost(server);
  forbiddenHost = findHost(forbidden);
  const variables = {
    WEBHOOK_SECRET: secret,
    WEBHOOK_ALLOWED_HOSTS: host,
    WEBHOOK_RESOLVER: `http://${host}/dns-query`,
  };
  worker = await startPlatform({ persistTo: folder, variables });
  api = createApi({ baseUrl: worker.origin, key: ADMIN });
  const picture = new Uint8Array(await readFile(join(import.meta.dirname, "../golden/images/q90-47x49.jpg")));
  await api.upload("faces", "in/a.jpg", picture);
});
afterAll(async () => {
  await worker?.stop();
  for (const one of [server, forbidden]) await new Promise((resolve) => one.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const manifest = { input: { store: "faces", prefix: "in/" }, output: { store: "faces" } } as const;

it("tells the receiver of a job's end, signed", async () => {
  const arrived = new Promise<Parameters<typeof told>[0]>((resolve) => (told = resolve));
  const job = await api.submitJob({ ...manifest, notify: { url: `http://${host}/hook` } });
  const { headers, body } = await arrived;
  const own = await api.readWebhookSecret();
  expect(new Webhook(own).verify(body, headers)).toMatchObject({
    type: "job.completed",
    data: { id: job.id, status: "completed" },
  });
  // Nor would another key's do, or the deployment's.
  expect(() => new Webhook(secret).verify(body, headers)).toThrow("No matching signature");
});

it.each([
  "https://inside.example/hook",
  "https://mapped.example/hook",
  "https://metadata.example/hook",
  "https://nowhere.example/hook",
  "https://10.0.0.1/hook",
  "https://[::ffff:10.0.0.1]/hook",
])("refuses a job that would tell %s", async (url) => {
  await expect(api.submitJob({ ...manifest, notify: { url } })).rejects.toMatchObject({ code: "address_forbidden" });
  await expect(api.planJob({ ...manifest, notify: { url } })).rejects.toMatchObject({ code: "address_forbidden" });
});

it("looks a name up again before it sends: one that has moved into the machine gets nothing", async () => {
  const job = await api.submitJob({ ...manifest, notify: { url: "https://rebinding.example/hook" } });
  expect(await waitForAttempt(job.id)).toContain("address_forbidden");
  expect(asked.filter((line) => line.startsWith("rebinding"))).toEqual([
    "rebinding.example 93.184.215.14",
    "rebinding.example 127.0.0.1",
  ]);
});

it.each([
  ["an address of this machine", () => `http://${forbiddenHost}/`],
  ["the same, mapped into IPv6", () => `http://[::ffff:7f00:1]:${forbiddenHost.split(":")[1]}/`],
  ["a name of a private network", () => "https://inside.example/hook"],
])("follows no redirect to %s", async (_, findTarget) => {
  redirectTo = findTarget();
  reached = 0;
  const arrived = new Promise<Parameters<typeof told>[0]>((resolve) => (told = resolve));
  const job = await api.submitJob({ ...manifest, notify: { url: `http://${host}/hook` } });
  await arrived;
  expect(await waitForAttempt(job.id)).toContain("address_forbidden");
  expect(reached).toBe(0);
});

it("tells what a schedule's run should be looked into for, signed, with a text to mail", async () => {
  redirectTo = null;
  for (const name of ["a", "b", "c"]) await api.upload("faces", `broken/${name}.jpg`, new TextEncoder().encode("none"));
  const schedule = await api.makeSchedule({
    name: "nightly",
    cron: "30 2 * * *",
    enabled: false,
    manifest: { ...manifest, input: { store: "faces", prefix: "broken/" } },
    alerts: { url: `http://${host}/alerts` },
  });
  const { jobId } = await api.runSchedule(schedule.id);
  const ended = async () => (await api.readSchedule(schedule.id)).lastRuns[0]?.job?.status;
  await vi.waitUntil(async () => (await ended()) === "completed_with_errors", { timeout: 60_000, interval: 100 });
  const arrived = new Promise<Parameters<typeof told>[0]>((resolve) => (told = resolve));
  await worker.fireSchedules(Date.now());
  const { headers, body } = await arrived;
  const event: unknown = new Webhook(await api.readWebhookSecret()).verify(body, headers);
  expect(headers["webhook-id"]).toBe(`${schedule.id}.1`);
  expect(event).toMatchObject({
    type: "schedule.alert",
    data: {
      schedule: { id: schedule.id, name: "nightly" },
      alerts: [{ tone: "bad", subject: "Not scored", jobId }],
      email: { subject: expect.stringMatching(/^nightly: 100.0.% .* were skipped/) as string },
    },
  });
  const { told: known } = await api.readScheduleAlerts(schedule.id);
  expect(known).toMatchObject([{ subject: "Not scored", jobId }]);
  const refused = api.changeSchedule(schedule.id, { alerts: { url: `http://${forbiddenHost}/` } });
  await expect(refused).rejects.toMatchObject({ code: "address_forbidden" });
});
