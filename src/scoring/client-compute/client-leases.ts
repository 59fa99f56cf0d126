/** Handing out chunks to clients, with signed addresses for their inputs. */

import { JOB_STATUS_FACTS } from "../job/job-status.ts";
import { z } from "zod";
import { ScoringError } from "../../errors.ts";
import { readChunkItems } from "../inputs/chunk-items.ts";
import { guardStore } from "../access/guarded-store.ts";
import { inputItemSchema, type InputItem } from "../records/input-item.ts";
import { listReads } from "../inputs/item-reader.ts";
import { readItem } from "../inputs/read-item.ts";
import type { Limits } from "../limits.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { readClaim, signClaim } from "./claims.ts";
import { type ClientDeskDeps, type ClientJob, describeTask, makeHold, requirePass } from "./client-desk.ts";
import type { LeaseAnswer, LeasedItem, LeasedRuns } from "./protocol.ts";

const readShape = z.strictObject({ keyId: z.string(), nonce: z.string(), untilMs: z.number(), item: inputItemSchema });

function forgetPrior(item: InputItem): InputItem {
  const { prior: _prior, ...rest } = item;
  return rest;
}

/** The bytes of one input and the etag of its object. */
export interface LeasedBytes {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/**
 * A chunk for a client that passed the canary, or the answer that there is none.
 * @throws ScoringError `forbidden` without a pass
 */
export async function leaseToClient(
  deps: ClientDeskDeps,
  job: ClientJob,
  keyId: string,
  token: string,
): Promise<LeaseAnswer> {
  await requirePass(deps, job, keyId, token);
  const { status } = job.state;
  const { phase } = JOB_STATUS_FACTS[status];
  if (phase === "ending" || phase === "ended") return { kind: "ended", status };
  const nonce = deps.randomHex(16);
  const hold = makeHold(keyId, nonce);
  const lease = await job.coordinator.leaseToClient(hold);
  if (lease === null) return { kind: "wait", retryAfterSeconds: deps.limits.clientRetrySeconds };
  const { chunk } = lease;
  try {
    const output = deps.openStore(job.spec.manifest.output.store);
    // Positions in the previous run matter only to the edge: clients score every input.
    const items = (await readChunkItems(output, chunk, deps.limits.maxPageBytes)).map(forgetPrior);
    const untilMs = deps.clock() + 2 * deps.limits.unwatchedLeaseMs;
    const sign = async (item: InputItem): Promise<LeasedItem> => {
      // What lies in a page is taken out of it by whoever scores it.
      const { page: _, ...read } = item;
      const claim: z.output<typeof readShape> = { keyId, nonce, untilMs, item: read };
      return { item, url: `/v1/jobs/${job.spec.id}/reads/${await signClaim(job.secret, "read", claim)}` };
    };
    return {
      kind: "lease",
      jobId: job.spec.id,
      chunkId: chunk.id,
      nonce,
      attempt: chunk.attempt,
      leaseMs: Math.max(0, chunk.dueMs - deps.clock()),
      task: describeTask(job.spec, deps.limits),
      items: await Promise.all(items.map(sign)),
      runs: await signRuns(items, deps.limits, sign),
    };
  } catch (error) {
    await job.coordinator.returnFromClient(chunk.id, hold, null);
    throw error;
  }
}

/** To the server, a run is one input with a larger range. */
async function signRuns(
  items: readonly InputItem[],
  limits: Limits,
  sign: (item: InputItem) => Promise<LeasedItem>,
): Promise<LeasedRuns> {
  const { maxImageBytes: maxBytes, maxRunBytes, maxGapBytes } = limits;
  const planned = listReads(items, { maxBytes, maxRunBytes, maxGapBytes });
  const reads: LeasedRuns["reads"][number][] = [];
  for (const run of planned) {
    if (run.kind !== "run") continue;
    const { key, etag, range, versionId } = run;
    const place = { key, range, ...(versionId === undefined ? {} : { versionId }) };
    const { url } = await sign({ index: 0, id: "", size: null, etag, ...place });
    reads.push({ ...place, url });
  }
  return { maxRunBytes, maxGapBytes, reads };
}

/**
 * The bytes behind a signed address: as they were frozen, or the reason why not.
 * @throws ScoringError `forbidden` for an address that this job did not sign for this key, or that is too old; the
 * `object_*` codes with the words of a record
 */
export async function readLeasedItem(
  deps: ClientDeskDeps,
  job: ClientJob,
  keyId: string,
  address: string,
): Promise<LeasedBytes> {
  const { data } = readShape.safeParse(await readClaim(job.secret, "read", address));
  if (data?.keyId !== keyId || data.untilMs <= deps.clock()) {
    throw new ScoringError("forbidden", "the address was not signed for this key, or is too old");
  }
  const read = await readItem(openInput(deps, job.spec), data.item, { maxBytes: deps.limits.maxImageBytes });
  switch (read.kind) {
    case "missing":
      throw new ScoringError("object_missing", "the object does not exist");
    case "changed":
      throw new ScoringError("object_changed", "the object is not the one that was listed");
    case "empty":
      throw new ScoringError("object_empty", "the object has no bytes");
    case "too_large":
      throw new ScoringError("object_too_large", `the object has ${read.size} bytes`);
    default:
      return read;
  }
}

/** The input store as the key that made the job sees it. */
export function openInput(deps: ClientDeskDeps, spec: JobSpec): ObjectStore {
  const { store } = spec.manifest.input;
  return guardStore(deps.openStore(store), store, spec.owner?.grants ?? null);
}
