import { ScoringError } from "../../../src/errors.ts";
import type { JobSpec } from "../../../src/scoring/job/job-spec.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { parseManifest } from "../../../src/scoring/manifest/manifest.ts";
import type { JobCoordinator } from "../../../src/scoring/job/coordinator-port.ts";
import type { WorkMessage } from "../../../src/scoring/job/messages.ts";
import { handleMessage } from "../../../src/scoring/work/handle-message.ts";
import { GRAY_48 } from "../../../src/model/input-form.ts";
import { LABELS } from "../../../src/model/labels.ts";
import type { Scorer } from "../../../src/scoring/chunk/scorer.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../src/storage/object-store.ts";
import { createTestModel } from "../../golden/network.ts";

/** A local job over eight texts, none of which is a picture, with its steps done in the same thread. */
export interface LocalScene {
  readonly spec: JobSpec;
  readonly store: ObjectStore;
  /** @param decoded gets the texts that were tried to be decoded */
  handle(message: WorkMessage, desk: JobCoordinator, decoded?: string[]): Promise<void>;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no text gets as far as a network
const makeScorer = (decoded: string[]): Scorer =>
  ({
    decoder: {
      decode(bytes: Uint8Array) {
        decoded.push(new TextDecoder().decode(bytes));
        return Promise.reject(new ScoringError("image_unsupported", "no picture"));
      },
    },
    finder: null,
    classifier: { engine: "none", labels: LABELS, input: GRAY_48, batchSize: 1 },
  }) as unknown as Scorer;

/** Sets it. @param limits of the manifest */
export async function setLocalScene(limits: Readonly<Record<string, number>> = {}): Promise<LocalScene> {
  const store = createMemoryStore({ minPartBytes: 1 });
  for (let n = 0; n < 8; n++) await store.put(`in/${n}.jpg`, `no picture ${n}`);
  const manifest = parseManifest(
    {
      faces: "aligned",
      input: { store: "faces", prefix: "in/" },
      output: { store: "faces" },
      limits: { errorThreshold: 1, ...limits },
    },
    new Map([["faces", { versions: false }]]),
    () => true,
  );
  const text = "0".repeat(64);
  const model = { model: "none@1", modelSha256: text, pipeline: 1 } as const;
  const spec: JobSpec = {
    id: "job",
    createdMs: 0,
    manifest,
    manifestSha256: text,
    ...model,
    retryOf: null,
    owner: null,
  };
  const deps = {
    openStore: () => store,
    readCard: async () => createTestModel(new Map()).card,
    limits: LIMITS,
  };
  return {
    spec,
    store,
    handle: (message, desk, decoded = []) =>
      handleMessage(
        { ...deps, openJob: () => desk, withScorer: (body) => body(async () => makeScorer(decoded)) },
        message,
      ),
  };
}
