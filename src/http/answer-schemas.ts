/** Answers that the core makes, as the OpenAPI document shows them. Each is checked against the core's own type. */

import { FACE_MODES } from "../scoring/records/face-mode.ts";
import { FACE_DETAILS } from "../model/face-levels.ts";
import { INPUT_FORMATS } from "../scoring/manifest/input-formats.ts";
import { z } from "@hono/zod-openapi";
import { modelCardSchema } from "../model/card.ts";
import type {
  Canary,
  CanaryPass,
  ClientTask,
  LeaseAnswer,
  SubmissionReceipt,
} from "../scoring/client-compute/protocol.ts";
import { inputItemSchema } from "../scoring/records/input-item.ts";
import type { ScoreRecord } from "../scoring/records/records.ts";
import type { DryRun } from "../scoring/requests/dry-run.ts";
import type { Verification } from "../scoring/requests/verify.ts";

const count = z.int().nonnegative();

/** What a job would do and cost. */
export const dryRunSchema: z.ZodType<DryRun> = z
  .object({
    objects: count,
    bytes: count,
    chunks: count,
    complete: z.boolean(),
    estimate: z.object({
      cpuMs: z.number(),
      operations: z.object({
        classA: z.number(),
        classB: z.number(),
        queue: z.number(),
        durableObject: z.number(),
        rowsWritten: z.number(),
      }),
      dollars: z.number(),
    }),
    egressDollars: z.number().exactOptional(),
    warnings: z.array(z.string()),
  })
  .openapi("DryRun");

const STATUSES = ["scored", "no_face", "skipped", "failed", "cancelled", "expired"] as const;
const outcome: z.ZodType<Pick<ScoreRecord, "status" | "label">> = z.object({
  status: z.enum(STATUSES),
  label: z.string().nullable(),
});

/** What scoring a sample again has shown. */
export const verificationSchema: z.ZodType<Verification> = z
  .object({
    model: z.string(),
    modelUnchanged: z.boolean(),
    engine: z.string(),
    compared: count,
    agreed: count,
    unavailable: count,
    damagedParts: z.array(z.string()),
    maxDifference: z.number(),
    disagreements: z.array(z.object({ id: z.string(), was: outcome, is: outcome, difference: z.number().nullable() })),
    passed: z.boolean(),
  })
  .openapi("Verification");

/** Models, each with a card and an id; those whose card cannot be read, and why. */
export const modelListSchema = z.object({
  models: z.array(modelCardSchema.extend({ id: z.string() }).openapi("Model")),
  unavailable: z.array(z.object({ id: z.string(), code: z.string(), detail: z.string() })),
  place: z.object({ store: z.string(), prefix: z.string() }).optional(),
});

const taskSchema: z.ZodType<ClientTask> = z.object({
  model: z.string(),
  modelSha256: z.string(),
  pipeline: z.union([z.literal(1), z.literal(2), z.literal(3)]),
  thresholds: z.array(z.number().nullable()).optional(),
  tta: z.enum(["none", "flip"]),
  format: z.enum(INPUT_FORMATS),
  faces: z.object({
    mode: z.enum(FACE_MODES),
    minFacePixels: z.number(),
    minFaceScore: z.number(),
    faceDetail: z.enum(FACE_DETAILS),
  }),
  maxImageBytes: count,
});

/** Faces and a picture that a client must score as the server does. */
export const canarySchema: z.ZodType<Canary> = z
  .object({ task: taskSchema, challenge: z.string(), count, faces: z.string(), picture: z.string() })
  .openapi("Canary");

/** The right to ask for leases. */
export const canaryPassSchema: z.ZodType<CanaryPass> = z
  .object({ token: z.string(), untilMs: z.number() })
  .openapi("CanaryPass");

/** A leased chunk, or when to ask again. */
export const leaseAnswerSchema: z.ZodType<LeaseAnswer> = z
  .union([
    z.object({
      kind: z.literal("lease"),
      jobId: z.uuid(),
      chunkId: z.string(),
      nonce: z.string(),
      attempt: count,
      leaseMs: z.number(),
      task: taskSchema,
      items: z.array(z.object({ item: inputItemSchema, url: z.string() })),
      runs: z
        .object({
          maxRunBytes: count,
          maxGapBytes: count,
          reads: z.array(
            z.object({
              key: z.string(),
              versionId: z.string().exactOptional(),
              range: z.object({ offset: count, length: count }),
              url: z.string(),
            }),
          ),
        })
        .exactOptional(),
    }),
    z.object({ kind: z.literal("wait"), retryAfterSeconds: z.number() }),
    z.object({ kind: z.literal("ended"), status: z.string() }),
  ])
  .openapi("LeaseAnswer");

/** A chunk that was accepted. */
export const submissionReceiptSchema: z.ZodType<SubmissionReceipt> = z
  .object({ accepted: z.literal(true), repeated: z.boolean() })
  .openapi("SubmissionReceipt");
