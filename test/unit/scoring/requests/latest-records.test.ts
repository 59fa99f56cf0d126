/* oxlint-disable typescript/no-unsafe-type-assertion -- as much of a job as is read */
import { describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import { describePart } from "../../../../src/scoring/chunk/part.ts";
import type { JobCoordinator } from "../../../../src/scoring/job/coordinator-port.ts";
import { partKey } from "../../../../src/scoring/keys.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { serializeRecords } from "../../../../src/scoring/records/record-line.ts";
import { readLatestRecords } from "../../../../src/scoring/requests/latest-records.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import { makeRecords } from "../fold/aggregate-fixtures.ts";

const store = createMemoryStore();
const records = makeRecords(300);
const bytes = new TextEncoder().encode(serializeRecords(records));
await store.put(partKey("out/job/", "000000000"), bytes);

function openJob(state: object): { readonly read: JobCoordinator["read"] } {
  const spec = { manifest: { output: { store: "faces", prefix: "out/" } } };
  return { read: async () => ({ state: { status: "running", ...state }, spec }) as never };
}

const read = (state: object, limit: number) =>
  readLatestRecords({ openJob: () => openJob(state), openStore: () => store, limits: LIMITS }, "job", limit);

describe("the newest records of a job", () => {
  it("are the last ones of the chunk that was finished last, with their bytes in its part", async () => {
    const { chunk, records: latest } = await read({ lastChunk: "000000000" }, 12);
    expect(chunk).toBe("000000000");
    expect(latest.map(({ record }) => record.id)).toEqual(
      records
        .slice(-12)
        .toReversed()
        .map(({ id }) => id),
    );
    for (const { record, at, length } of latest) {
      expect(JSON.parse(new TextDecoder().decode(bytes.subarray(at, at + length)))).toMatchObject({ id: record.id });
    }
  });

  it("are none before the first chunk, where its part is gone, and once the job has ended", async () => {
    const none = { chunk: null, records: [] };
    expect(await read({}, 12)).toEqual(none);
    expect(await read({ lastChunk: "000000256" }, 12)).toEqual(none);
    expect(await read({ lastChunk: "000000000", status: "completed" }, 12)).toEqual(none);
  });
});

it("a part says how many records each label has", async () => {
  const { labels } = await describePart({ bytes, records }, "aligned", { reads: 0, readBytes: 0, engine: "none" });
  expect(labels).toEqual(LABELS.map((label) => records.filter((record) => record.label === label).length));
});
