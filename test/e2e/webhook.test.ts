import { createServer, type Server } from "node:http";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";

/** A job that tells of its end, and receivers that it may not have: `wrangler dev`, a receiver and a resolver on loopback. */

const secret = `whsec_${Buffer.from("a secret of twenty-four!").toString("base64")}`;
const PRIVATE = "inside.example";
let folder = "";
let server: Server;
let host = "";
let worker: LocalWorker;
let api: Api;
let told: (request: { readonly headers: Record<string, string>; readonly body: string }) => void = () => undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-webhook-"));
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://loopback");
    if (url.pathname === "/dns-query") {
      const isPrivate = url.searchParams.get("name") === PRIVATE && url.searchParams.get("type") === "A";
      const answer = isPrivate ? { Status: 0, Answer: [{ type: 1, data: "10.0.0.1" }] } : { Status: 3 };
      response.writeHead(200, { "content-type": "application/dns-json" }).end(JSON.stringify(answer));
      return;
    }
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      response.writeHead(204).end();
      told({ headers, body });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  host = typeof address === "object" && address !== null ? `127.0.0.1:${address.port}` : "";
  const variables = {
    WEBHOOK_SECRET: secret,
    WEBHOOK_ALLOWED_HOSTS: host,
    WEBHOOK_RESOLVER: `http://${host}/dns-query`,
  };
  worker = await startLocalWorker({ persistTo: folder, variables });
  api = createApi({ baseUrl: worker.origin, key: "local-development-key" });
  const picture = new Uint8Array(await readFile(join(import.meta.dirname, "../golden/images/q90-47x49.jpg")));
  await api.upload("faces", "in/a.jpg", picture);
});
afterAll(async () => {
  await worker?.stop();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

const manifest = { input: { store: "faces", prefix: "in/" }, output: { store: "faces" } } as const;

it("tells the receiver of a job's end, signed", async () => {
  const arrived = new Promise<Parameters<typeof told>[0]>((resolve) => (told = resolve));
  const job = await api.submitJob({ ...manifest, notify: { url: `http://${host}/hook` } });
  const { headers, body } = await arrived;
  expect(new Webhook(secret).verify(body, headers)).toMatchObject({
    type: "job.completed",
    data: { id: job.id, status: "completed" },
  });
});

it.each([`https://${PRIVATE}/hook`, "https://nowhere.example/hook", "https://10.0.0.1/hook"])(
  "refuses a job that would tell %s",
  async (url) => {
    await expect(api.submitJob({ ...manifest, notify: { url } })).rejects.toMatchObject({ code: "address_forbidden" });
    await expect(api.planJob({ ...manifest, notify: { url } })).rejects.toMatchObject({ code: "address_forbidden" });
  },
);
