import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { createFaceFinderWorkerd } from "../../src/backends/faces-workerd.ts";
import { listBundledModels } from "../../src/backends/models-workerd.ts";
import { createScorerLender } from "../../src/backends/scorer-workerd.ts";
import { scoreCanary } from "../../src/client/compute/score-lease.ts";
import { createRegistry } from "../../src/model/registry.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { fuzzApi } from "../fuzz/run.ts";
import { ADMIN, readPicture } from "./api-client.ts";

/** Requests made from the API's own description; ten thousand of them in test/long/fuzz.test.ts. */

const REQUESTS = 600;
/** The same requests each time: a new failure is a new fault. The long run draws others. */
const SEED = 20_261_125;

it(`answers ${REQUESTS} requests as it says it does, never with a 5xx`, async () => {
  const lender = createScorerLender(
    createRegistry(listBundledModels()),
    "fused",
    LIMITS.image,
    createFaceFinderWorkerd,
  );
  const result = await fuzzApi(
    {
      send: (path, init) => exports.default.fetch(`http://127.0.0.1${path}`, init),
      adminKey: ADMIN,
      picture: readPicture("grey-48x48.png"),
      scoreCanary: (canary) =>
        lender.withScorer(async (open) => {
          const { model, tta, faces } = canary.task;
          return scoreCanary(canary, await open({ model, tta, findsFaces: faces.mode !== "aligned" }));
        }),
    },
    REQUESTS,
    SEED,
  );
  expect(result.requests).toBe(REQUESTS);
  const answered = [...result.answers.values()].flatMap((counts) => [...counts.keys()]);
  expect(new Set(answered)).toEqual(expect.objectContaining(new Set([200, 201, 204, 400, 401, 403, 404, 409, 422])));
});
