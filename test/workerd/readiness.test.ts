import { describe, expect, it } from "vitest";
import { exports } from "cloudflare:workers";

const read = (): Promise<Response> => exports.default.fetch("http://127.0.0.1/readyz");

describe("/readyz", () => {
  it("answers without a key that the model loads and stores and objects answer", async () => {
    // On a machine under load the first look may find a part silent; the next one is ten seconds later.
    await expect
      .poll(async () => (await read()).json(), { timeout: 60_000, interval: 500 })
      .toEqual({
        ready: true,
        checks: ["model", "directory", "coordinator", "store:faces", "queue"].map((name) => ({ name, ready: true })),
        queue: { backlog: expect.any(Number), oldestSeconds: expect.any(Number) },
        jurisdiction: null,
      });
    expect((await read()).status).toBe(200);
  }, 90_000);
});
