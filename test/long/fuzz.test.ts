import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createScorerSource } from "../../cli/score/node-work.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { scoreCanary } from "../../src/client/compute/score-lease.ts";
import { fuzzApi } from "../fuzz/run.ts";
import { expectReached } from "../fuzz/reach.ts";

/** Ten thousand requests, made from the API's own description, to local workerd over HTTP. */

const REQUESTS = 10_000;
const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const KEY = "local-development-key";
let folder = "";
let worker: LocalWorker;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-fuzz-"));
  worker = await startLocalWorker({ persistTo: folder, timeoutMs: 600_000 });
}, 900_000);
afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

it(`answers ${REQUESTS.toLocaleString("en")} requests as it says it does, never with a 5xx`, async () => {
  process.stdout.write(`seed ${SEED} (FUZZ_SEED)\n`);
  const openScorer = createScorerSource("fused");
  const result = await fuzzApi(
    {
      send: (path, init) => fetch(`${worker.origin}${path}`, init),
      adminKey: KEY,
      picture: new Uint8Array(await readFile(join(import.meta.dirname, "../golden/images/grey-48x48.png"))),
      scoreCanary: async (canary) => {
        const { model, tta, faces } = canary.task;
        return scoreCanary(canary, await openScorer({ model, tta, findsFaces: faces.mode !== "aligned" }));
      },
    },
    REQUESTS,
    SEED,
  );
  expect(result.requests).toBeGreaterThanOrEqual(REQUESTS);
  expectReached(result);
});
