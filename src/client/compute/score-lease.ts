/** Scores a leased chunk with the edge's own code: its inputs are a store whose objects lie behind signed addresses. */

import { ScoringError } from "../../errors.ts";
import { answerCanary } from "../../scoring/clients/canary.ts";
import { decodeBase64 } from "../../scoring/clients/claims.ts";
import type { Canary, CanaryAnswer, ClientLease } from "../../scoring/clients/protocol.ts";
import { scoreChunk } from "../../scoring/chunk.ts";
import type { ScoreRecord } from "../../scoring/records.ts";
import type { Scorer } from "../../scoring/work.ts";
import type { GetOptions, ObjectStore } from "../../storage/object-store.ts";
import type { ReadAddress } from "./compute-api.ts";

/** Reads under way at once: what browsers open to one origin. */
const MAX_CONNECTIONS = 6;

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
    stamp: { model: task.model, pipeline: task.pipeline },
    maxImageBytes: task.maxImageBytes,
    maxConnections: MAX_CONNECTIONS,
    // Every input has an address of its own, so that none can be read together.
    maxRunBytes: 0,
    maxGapBytes: 0,
    tolerant: false,
  });
  return records;
}

/** A scorer's answer to a canary. */
export function scoreCanary(
  canary: Canary,
  scorer: Scorer,
): Promise<Pick<CanaryAnswer, "probabilities" | "pictureSha256">> {
  return answerCanary(scorer, decodeBase64(canary.faces), canary.count, decodeBase64(canary.picture));
}

/** A store that holds a lease's inputs and nothing else, for reading. */
export function createLeasedStore(lease: ClientLease, read: ReadAddress): ObjectStore {
  const urls = new Map(lease.items.map(({ item, url }) => [place(item.key, item), url]));
  return {
    capabilities: { versions: true },
    async get(key, options = {}) {
      const url = urls.get(place(key, options));
      if (url === undefined) throw new ScoringError("internal", `${key} is not of this lease`);
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
}

const READ_ONLY = "a leased chunk can only be read";

async function refuse(): Promise<never> {
  throw new ScoringError("internal", READ_ONLY);
}

/** Which bytes of which version. */
function place(key: string, options: GetOptions = {}): string {
  return JSON.stringify([key, options.versionId ?? "", options.range?.offset ?? "", options.range?.length ?? ""]);
}

function streamBytes(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
