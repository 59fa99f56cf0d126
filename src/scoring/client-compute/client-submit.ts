/**
 * Takes a client's records: only from the holder of the chunk, only in the right form, and only if a random sample that the
 * edge scores again gives the same. The part is written create-only, so nothing that exists is ever lost.
 */

import { z } from "zod";
import { labelsOf, shapeOf } from "../job/job-spec.ts";
import { ScoringError } from "../../errors.ts";
import { readChunkItems } from "../inputs/chunk-items.ts";
import { chooseScorer, makeChunkOptions } from "../chunk/chunk-options.ts";
import { scoreChunk } from "../chunk/score-chunk.ts";
import { jobFolder, partKey } from "../keys.ts";
import type { ChunkRow, ClientHold } from "../job/chunk-row.ts";
import { parseRecord, serializeRecords } from "../records/record-line.ts";
import { listReads } from "../inputs/item-reader.ts";
import { meterStore } from "../../storage/metered-store.ts";
import { describePart, storePart } from "../chunk/part.ts";
import type { ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import { findDisagreement, groupRecords } from "./check-records.ts";
import { type ClientDeskDeps, type ClientJob, makeHold } from "./client-desk.ts";
import { openInput } from "./client-leases.ts";
import { CLIENT_BACKENDS, type SubmissionReceipt } from "./protocol.ts";

/** What a client submits; its records are checked one by one. */
export const submissionShape = z.strictObject({
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  backend: z.enum(CLIENT_BACKENDS),
  records: z.array(z.unknown()),
});

/** A submission as it arrived. */
export type RawSubmission = z.output<typeof submissionShape>;

/**
 * @param random uniform in [0, 1): chooses the sample
 * @throws ScoringError `conflict` if the lease is over (nothing is lost: the edge has the chunk), `client_rejected` if
 * the records disagree: the key is then blocked for this job
 */
export async function submitClientChunk(
  deps: ClientDeskDeps & { readonly random: () => number },
  job: ClientJob,
  keyId: string,
  chunkId: string,
  submission: RawSubmission,
): Promise<SubmissionReceipt> {
  const { coordinator, spec } = job;
  const hold = makeHold(keyId, submission.nonce);
  const chunk = await coordinator.readChunk(chunkId);
  if (chunk === null) throw new ScoringError("not_found", "there is no such chunk");
  if (isSame(chunk.result?.client ?? null, hold)) return { accepted: true, repeated: true };
  if (chunk.status !== "leased" || !isSame(chunk.client ?? null, hold) || chunk.dueMs <= deps.clock()) {
    throw new ScoringError("conflict", "the lease of this chunk is over");
  }
  const { manifest } = spec;
  const output = meterStore(deps.openStore(manifest.output.store));
  const items = await readChunkItems(output, chunk, deps.limits.maxPageBytes);
  const records = submission.records.map(parseRecord);
  const problem = await findProblem(deps, job, items, records);
  if (problem !== null) {
    const issue = { path: `chunks/${chunk.id}`, code: "client_rejected", message: problem.slice(0, 300) };
    await coordinator.returnFromClient(chunk.id, hold, issue);
    throw new ScoringError("client_rejected", `the records disagree with the server's own: ${issue.message}`);
  }
  const key = partKey(jobFolder(manifest.output.prefix, spec.id), chunk.id);
  const part = await storePart(output, key, records, items, manifest.faces, deps.limits.maxPartBytes);
  const own = new TextDecoder().decode(part.bytes) === serializeRecords(records);
  const { reads, writes } = output.operations();
  const { maxImageBytes: maxBytes, maxRunBytes, maxGapBytes } = deps.limits;
  const asked = listReads(items, { maxBytes, maxRunBytes, maxGapBytes }).length;
  const receipt = {
    reads: asked,
    readBytes: sumBytes(items),
    // The client's reads, as many as it makes without failures; the sample that was read again; the chunk's lines and its part.
    operations: { reads: reads + asked + Math.min(items.length, 2 * deps.limits.maxClientSample), writes },
    engine: `client:${submission.backend}`,
  };
  const result = await describePart(part, manifest.faces, receipt, undefined, labelsOf(spec));
  const finished = await coordinator.finish(chunk.id, own ? { ...result, client: hold } : result);
  if (!finished && !(await wasTaken(job, chunk, hold))) {
    throw new ScoringError("conflict", "the chunk has been finished by somebody else");
  }
  return { accepted: true, repeated: !finished };
}

async function wasTaken(job: ClientJob, chunk: ChunkRow, hold: ClientHold): Promise<boolean> {
  return isSame((await job.coordinator.readChunk(chunk.id))?.result?.client ?? null, hold);
}

function isSame(a: ClientHold | null, b: ClientHold): boolean {
  return a?.keyId === b.keyId && a.nonce === b.nonce;
}

/** The first disagreement; `null` if everything that was compared agrees. */
async function findProblem(
  deps: ClientDeskDeps & { readonly random: () => number },
  { spec }: ClientJob,
  items: readonly InputItem[],
  records: readonly ScoreRecord[],
): Promise<string | null> {
  const options = makeChunkOptions(spec, deps.limits, "throw");
  const grouped = groupRecords(items, records, options.faces.mode, options.stamp, shapeOf(spec));
  if (grouped.kind === "wrong") return grouped.problem;
  const claims = items.map((item, index) => ({ item, records: grouped.groups[index]! }));
  const isScored = ({ records: own }: (typeof claims)[number]) => own[0]?.status === "scored";
  // An input without a label is the cheapest lie, so such inputs have a sample of their own.
  const sample = [
    ...choose(claims.filter(isScored), deps.limits.maxClientSample, deps.random),
    ...choose(
      claims.filter((claim) => !isScored(claim)),
      deps.limits.maxClientSample,
      deps.random,
    ),
  ];
  return deps.withScorer(async (open) => {
    const scorer = await open(chooseScorer(spec));
    const store = openInput(deps, spec);
    for (const claim of sample) {
      const { records: own } = await scoreChunk({ store, ...scorer }, [claim.item], options);
      const problem = findDisagreement(claim.records, own);
      if (problem !== null) return problem;
    }
    return null;
  });
}

/** `count` of the list, each as likely as any other (partial Fisher–Yates shuffle). */
function choose<T>(list: readonly T[], count: number, random: () => number): readonly T[] {
  const rest = [...list];
  const size = Math.min(count, rest.length);
  for (let i = 0; i < size; i++) {
    const other = i + Math.min(rest.length - i - 1, Math.floor(random() * (rest.length - i)));
    [rest[i], rest[other]] = [rest[other]!, rest[i]!];
  }
  return rest.slice(0, size);
}

function sumBytes(items: readonly InputItem[]): number {
  return items.reduce((sum, { size, range }) => sum + (range?.length ?? size ?? 0), 0);
}
