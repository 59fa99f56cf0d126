/** The ports of serving clients, and the checks that every request of a client begins with. */

import { stampOf } from "../chunk/chunk-options.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { toFaceOptions } from "../chunk/faces.ts";
import type { LendScorer } from "../chunk/scorer.ts";
import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import type { ClientHold } from "../job/chunk-row.ts";
import type { Limits } from "../limits.ts";
import type { Clock } from "../job/messages.ts";
import { readClaim } from "./claims.ts";
import { CLIENT_BACKENDS, type ClientTask } from "./protocol.ts";

/** The ports of the server side. */
export interface ClientDeskDeps {
  openStore(name: string): ObjectStore;
  /** The server's own engine: what clients are compared with. */
  readonly withScorer: LendScorer;
  readonly limits: Limits;
  readonly clock: Clock;
  /** `bytes` random bytes, hex. */
  readonly randomHex: (bytes: number) => string;
}

/** A job that clients may work on. */
export interface ClientJob {
  readonly coordinator: JobCoordinator;
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly secret: string;
}

const passShape = z.strictObject({
  jobId: z.string(),
  keyId: z.string(),
  model: z.string(),
  backend: z.enum(CLIENT_BACKENDS),
  untilMs: z.number(),
});

/** Proves that a key's client computes this job's model as the server does. */
export type PassClaim = z.output<typeof passShape>;

/** @throws ScoringError `not_found`; `conflict` for a job of the edge; `forbidden` for a key that was caught disagreeing */
export async function openClientJob(
  deps: ClientDeskDeps,
  coordinator: JobCoordinator,
  keyId: string,
): Promise<ClientJob> {
  const known = await coordinator.read();
  if (known === null) throw new ScoringError("not_found", "there is no such job");
  const { spec, state } = known;
  if (spec.manifest.execution === "edge") throw new ScoringError("conflict", "the job runs on the edge only");
  if ((state.blockedKeys ?? []).includes(keyId)) {
    throw new ScoringError(
      "forbidden",
      "the records of this key's clients disagreed with the server's: there are no more leases of this job",
    );
  }
  return { coordinator, spec, state, secret: await coordinator.shareClientSecret(deps.randomHex(32)) };
}

/** @throws ScoringError `forbidden` without a pass of this key for this job and its model */
export async function requirePass(deps: ClientDeskDeps, job: ClientJob, keyId: string, token: string): Promise<void> {
  const { data } = passShape.safeParse(await readClaim(job.secret, "pass", token));
  const valid =
    data?.jobId === job.spec.id && data.keyId === keyId && data.model === job.spec.model && data.untilMs > deps.clock();
  if (!valid) throw new ScoringError("forbidden", "pass the canary first");
}

/** The lease that a request names. */
export function makeHold(keyId: string, nonce: string): ClientHold {
  return { keyId, nonce };
}

/** The job as its clients see it. */
export function describeTask(spec: JobSpec, limits: Limits): ClientTask {
  const { manifest, modelSha256 } = spec;
  const { format, tta } = manifest;
  const faces = toFaceOptions(manifest);
  return { ...stampOf(spec), modelSha256, tta, format, faces, maxImageBytes: limits.maxImageBytes };
}
