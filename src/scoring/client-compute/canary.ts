/**
 * The canary: before a client gets work it scores faces whose result the server knows, and decodes a picture to the
 * server's own bytes. The faces follow from a random seed that is inside the signed challenge, so nothing is stored and no
 * answer can be reused for long.
 */

import { base64ToUint8Array, uint8ArrayToBase64 } from "uint8array-extras";
import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { preprocessFace } from "../../image/preprocess.ts";
import { countInputBytes } from "../../model/input-form.ts";
import { FACE_PIXELS, FACE_SIZE } from "../../model/labels.ts";
import { digestHex } from "../sha256.ts";
import { createRandom } from "../statistics/random.ts";
import { ENGINE_TOLERANCE } from "../records/engine-agreement.ts";
import type { Scorer } from "../chunk/scorer.ts";
import { CANARY_PICTURE } from "./canary-picture.ts";
import { readClaim, signClaim } from "./claims.ts";
import { chooseScorer } from "../chunk/chunk-options.ts";
import { type ClientDeskDeps, type ClientJob, describeTask, type PassClaim } from "./client-desk.ts";
import { type Canary, type CanaryAnswer, type CanaryPass, CLIENT_BACKENDS } from "./protocol.ts";

const challengeShape = z.strictObject({
  jobId: z.string(),
  keyId: z.string(),
  seed: z.int(),
  untilMs: z.number(),
});

/** What a client answers. */
export const canaryAnswerShape = z.strictObject({
  challenge: z.string().max(2048),
  backend: z.enum(CLIENT_BACKENDS),
  probabilities: z.array(z.number()).max(4096),
  pictureSha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A new canary for a key. */
export async function makeCanary(deps: ClientDeskDeps, job: ClientJob, keyId: string): Promise<Canary> {
  const { canaryFaces: count, canaryMs } = deps.limits;
  const seed = Number.parseInt(deps.randomHex(4), 16) | 0;
  const claim = { jobId: job.spec.id, keyId, seed, untilMs: deps.clock() + canaryMs };
  return {
    task: describeTask(job.spec, deps.limits),
    challenge: await signClaim(job.secret, "canary", claim),
    count,
    faces: uint8ArrayToBase64(drawFaces(seed, count)),
    picture: CANARY_PICTURE,
  };
}

/**
 * Compares a client's answer with the server's own.
 * @throws ScoringError `forbidden` for a challenge of another key or job, or one that is too old; `client_rejected` if the answers differ
 */
export async function checkCanary(
  deps: ClientDeskDeps,
  job: ClientJob,
  keyId: string,
  answer: CanaryAnswer,
): Promise<CanaryPass> {
  const { data } = challengeShape.safeParse(await readClaim(job.secret, "canary", answer.challenge));
  if (data?.jobId !== job.spec.id || data.keyId !== keyId || data.untilMs <= deps.clock()) {
    throw new ScoringError("forbidden", "the canary was not given to this key, or is too old");
  }
  const count = deps.limits.canaryFaces;
  const expected = await deps.withScorer(async (open) =>
    answerCanary(
      await open(chooseScorer(job.spec)),
      drawFaces(data.seed, count),
      count,
      base64ToUint8Array(CANARY_PICTURE),
    ),
  );
  if (answer.pictureSha256 !== expected.pictureSha256) {
    throw new ScoringError("client_rejected", "the canary's picture was decoded to other bytes than the server's");
  }
  const differs = expected.probabilities.some(
    (value, at) => !(Math.abs(value - (answer.probabilities[at] ?? NaN)) <= ENGINE_TOLERANCE),
  );
  if (differs || answer.probabilities.length !== expected.probabilities.length) {
    throw new ScoringError("client_rejected", "the canary's faces came out differently from the server's");
  }
  const untilMs = deps.clock() + deps.limits.clientTokenMs;
  const claim: PassClaim = { jobId: job.spec.id, keyId, model: job.spec.model, backend: answer.backend, untilMs };
  return { token: await signClaim(job.secret, "pass", claim), untilMs };
}

/** What a scorer makes of a canary; the same code on both sides. @param faces `count × 2304` bytes */
export async function answerCanary(
  scorer: Pick<Scorer, "classifier" | "decoder">,
  faces: Uint8Array,
  count: number,
  picture: Uint8Array,
): Promise<Pick<CanaryAnswer, "probabilities" | "pictureSha256">> {
  const { classifier, decoder } = scorer;
  const probabilities: number[] = [];
  const { input, labels } = classifier;
  const bytes = countInputBytes(input);
  const batch = new Uint8Array(classifier.batchSize * bytes);
  for (let first = 0; first < count; first += classifier.batchSize) {
    const size = Math.min(classifier.batchSize, count - first);
    for (let at = 0; at < size; at++) {
      const data = faces.subarray((first + at) * FACE_PIXELS, (first + at + 1) * FACE_PIXELS);
      batch.set(preprocessFace({ width: FACE_SIZE, height: FACE_SIZE, channels: 1, data }, null, input), at * bytes);
    }
    const scores = await classifier.classify(batch, size);
    probabilities.push(...scores.probabilities.subarray(0, size * labels.length));
  }
  const { raster } = await decoder.decode(picture);
  return { probabilities, pictureSha256: await digestHex(preprocessFace(raster, null, input)) };
}

/** Blobs on a gradient with noise: smooth enough to resemble pictures, varied enough to reach every label. */
function drawFaces(seed: number, count: number): Uint8Array {
  const random = createRandom(seed);
  const faces = new Uint8Array(count * FACE_PIXELS);
  for (let face = 0; face < count; face++) {
    const blobs = Array.from({ length: 6 }, () => ({
      x: random.next() * FACE_SIZE,
      y: random.next() * FACE_SIZE,
      width: 3 + 9 * random.next(),
      height: 160 * (random.next() - 0.5),
    }));
    const slope = 4 * (random.next() - 0.5);
    for (let y = 0; y < FACE_SIZE; y++) {
      for (let x = 0; x < FACE_SIZE; x++) {
        let value = 128 + slope * (y - FACE_SIZE / 2) + 16 * (random.next() - 0.5);
        for (const blob of blobs) {
          const distance = ((x - blob.x) ** 2 + (y - blob.y) ** 2) / blob.width ** 2;
          value += blob.height * Math.exp(-distance);
        }
        faces[face * FACE_PIXELS + y * FACE_SIZE + x] = Math.max(0, Math.min(255, Math.round(value)));
      }
    }
  }
  return faces;
}
