/**
 * A job of many records in minutes: every crop is scored once, and a client hands in the records of its copies, as its chunks are leased to it.
 * Planning, checks (the server scores a sample of each chunk again), merging and reports are a job's own.
 */

import { setTimeout as sleep } from "node:timers/promises";
import runWork from "../cli/remote/work-thread.ts";
import type { Api } from "../src/client/api.ts";
import { createComputeApi } from "../src/client/compute/compute-api.ts";
import { runClientCompute } from "../src/client/compute/run-client-compute.ts";
import { createWorkScorer } from "../src/client/compute/work-scorer.ts";
import { ScoringError } from "../src/errors.ts";
import type { ClientLease } from "../src/scoring/client-compute/protocol.ts";
import type { ScoreRecord } from "../src/scoring/records/records.ts";

const LANES = 4;

/** A member's name says which it is: `0000071.jpg`. */
const readNumber = (id: string): number => Number(/(\d+)\.jpg$/.exec(id)?.[1]);

/**
 * Computes a client's job whose input `n` is a copy of input `n % crops`.
 * @param told finished records, now and then
 */
export async function computeCopies(
  api: Api,
  server: { readonly baseUrl: string; readonly key: string },
  jobId: string,
  crops: number,
  told: (records: number) => void,
): Promise<void> {
  const known = new Map<number, ScoreRecord>();
  let first: Promise<readonly ScoreRecord[]> | null = null;
  let finished = 0;
  const scorer = createWorkScorer({ backend: "node", detail: "copies", lanes: LANES, close: async () => {} }, (work) =>
    runWork({ ...server, engine: "fused", work }),
  );
  const score = async (lease: ClientLease): Promise<readonly ScoreRecord[]> => {
    first ??= scorer.score(lease);
    for (const record of await first) {
      const crop = readNumber(record.id) % crops;
      if (!known.has(crop)) known.set(crop, record);
    }
    return lease.items.map(({ item }) => {
      const record = known.get(readNumber(item.id) % crops);
      if (record === undefined) throw new ScoringError("internal", "the first chunk must hold every crop");
      return { ...record, id: item.id, key: item.key, etag: item.etag ?? record.etag };
    });
  };
  await runClientCompute(
    {
      api: createComputeApi(api),
      rungs: [{ backend: "node", open: async () => ({ ...scorer, score }) }],
      wait: (waitMs, signal) => sleep(waitMs, undefined, { signal }).catch(() => undefined),
      tell: (event) => {
        if (event.kind === "left" || event.kind === "released") throw event.error;
        if (event.kind === "submitted") told((finished += event.records));
      },
    },
    jobId,
    { signal: new AbortController().signal },
  );
}
