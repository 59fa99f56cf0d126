/** Scores a leased chunk with the edge's own code: its inputs are a store whose objects lie behind signed addresses. */

import { makeStamp } from "../../scoring/chunk/chunk-options.ts";
import { base64ToUint8Array } from "uint8array-extras";
import { ScoringError } from "../../errors.ts";
import { answerCanary } from "../../scoring/client-compute/canary.ts";
import type { Canary, CanaryAnswer, ClientLease } from "../../scoring/client-compute/protocol.ts";
import { listReads, type PlannedRead } from "../../scoring/inputs/item-reader.ts";
import { scoreChunk } from "../../scoring/chunk/score-chunk.ts";
import type { ScoreRecord } from "../../scoring/records/records.ts";
import type { Scorer } from "../../scoring/chunk/scorer.ts";
import type { GetOptions, ObjectStore } from "../../storage/object-store.ts";
import { readFound } from "../../storage/read-body.ts";
import type { ReadAddress } from "./compute-api.ts";
import { type ExpectedRead, prefetchReads } from "./prefetch-reads.ts";

/** Reads under way at once: what browsers open to one origin. */
const MAX_CONNECTIONS = 6;
/** Bytes that wait for their turn: a whole chunk of small faces, or a few photographs. */
const MAX_PREFETCH_BYTES = 16 * 1024 * 1024;
/** Settings that combine no reads. */
const ALONE = { maxRunBytes: 0, maxGapBytes: 0 } as const;

/** The records of a lease, in input order. @throws ScoringError transient `store_*`, `api_unavailable`; `engine_unavailable` */
export async function scoreLease(
  lease: ClientLease,
  scorer: Scorer,
  read: ReadAddress,
): Promise<readonly ScoreRecord[]> {
  const { task } = lease;
  const items = lease.items.map(({ item }) => item);
  const { records } = await scoreChunk({ store: createLeasedStore(lease, read), ...scorer }, items, {
    format: task.format,
    faces: task.faces,
    stamp: makeStamp(task),
    maxImageBytes: task.maxImageBytes,
    maxConnections: MAX_CONNECTIONS,
    maxAheadBytes: MAX_PREFETCH_BYTES,
    ...findRunLimits(lease),
    failedReads: "throw",
  });
  return records;
}

/** Begins to read a lease's inputs, so that scoring it finds them. */
export function prefetchLease(lease: ClientLease, read: ReadAddress): ReadAddress {
  return prefetchReads(listExpected(lease), read, { maxConnections: MAX_CONNECTIONS, maxBytes: MAX_PREFETCH_BYTES });
}

/** The addresses that scoring a lease will ask for, in about that order. */
function listExpected(lease: ClientLease): readonly ExpectedRead[] {
  const urls = listAddresses(lease);
  return planReads(lease, findRunLimits(lease)).flatMap((read): ExpectedRead[] => {
    const { key, range, versionId } = read.kind === "run" ? read : read.item;
    const url = urls.get(place(key, range, versionId));
    const bytes = range?.length ?? (read.kind === "item" ? read.item.size : null) ?? 0;
    return url === undefined ? [] : [{ url, bytes }];
  });
}

interface RunBounds {
  readonly maxRunBytes: number;
  readonly maxGapBytes: number;
}

function planReads({ items, task }: ClientLease, bounds: RunBounds): readonly PlannedRead[] {
  return listReads(
    items.map(({ item }) => item),
    { maxBytes: task.maxImageBytes, ...bounds },
  );
}

/** The server's bounds, if they give the same runs here that the server has signed; otherwise none, so that each input is read alone. */
function findRunLimits(lease: ClientLease): RunBounds {
  if (lease.runs === undefined) return ALONE;
  const { maxRunBytes, maxGapBytes, reads } = lease.runs;
  const signed = new Set(reads.map(({ key, range, versionId }) => place(key, range, versionId)));
  const fits = planReads(lease, { maxRunBytes, maxGapBytes }).every(
    (read) => read.kind === "item" || signed.has(place(read.key, read.range, read.versionId)),
  );
  return fits ? { maxRunBytes, maxGapBytes } : ALONE;
}

/** Address by what is read. */
function listAddresses({ items, runs }: ClientLease): ReadonlyMap<string, string> {
  const urls = new Map<string, string>();
  for (const { key, range, versionId, url } of runs?.reads ?? []) urls.set(place(key, range, versionId), url);
  for (const { item, url } of items) urls.set(place(item.key, item.range, item.versionId), url);
  return urls;
}

/** A scorer's answer to a canary. */
export function scoreCanary(
  canary: Canary,
  scorer: Scorer,
): Promise<Pick<CanaryAnswer, "probabilities" | "pictureSha256">> {
  return answerCanary(scorer, base64ToUint8Array(canary.faces), canary.count, base64ToUint8Array(canary.picture));
}

/** A store that holds a lease's inputs and nothing else, for reading. */
export function createLeasedStore(lease: ClientLease, read: ReadAddress): ObjectStore {
  const urls = listAddresses(lease);
  const store: ObjectStore = {
    capabilities: { versions: true },
    read: async (key, options) => readFound(await store.get(key, options), options),
    async get(key, options = {}) {
      const url = urls.get(place(key, options.range, options.versionId));
      if (url === undefined) throw new ScoringError("internal", `${key} does not belong to this lease`);
      try {
        const { bytes, etag } = await read(url);
        // The server has checked the range against the object, whose size it does not tell.
        const size = (options.range?.offset ?? 0) + bytes.length;
        return { kind: "found", info: { key, size, etag }, body: streamBytes(bytes) };
      } catch (error) {
        if (error instanceof ScoringError && error.code === "object_missing") return { kind: "missing" };
        if (error instanceof ScoringError && error.code === "object_changed") return { kind: "changed" };
        throw error;
      }
    },
    head: refuse,
    put: refuse,
    list: refuse,
    delete: refuse,
    createMultipart: refuse,
    resumeMultipart: () => {
      throw new ScoringError("internal", READ_ONLY);
    },
  };
  return store;
}

const READ_ONLY = "a leased chunk can only be read";

async function refuse(): Promise<never> {
  throw new ScoringError("internal", READ_ONLY);
}

/** Which bytes of which version. */
function place(key: string, range?: GetOptions["range"], versionId = ""): string {
  return JSON.stringify([key, versionId, range?.offset ?? "", range?.length ?? ""]);
}

function streamBytes(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
