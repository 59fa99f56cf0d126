import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createApi } from "../../../src/client/api.ts";
import { followEvents, readEvents, type StreamEvent } from "../../../src/client/event-stream.ts";
import { LABELS_START, readLabelWindow, splitLines } from "../../../src/client/label-reader.ts";
import { ScoringError } from "../../../src/errors.ts";
import { serializeRecord } from "../../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { makePlainRecord } from "../../../src/scoring/chunk/score-record.ts";
import { attendedRegion } from "../../../web/src/job/face-overlay.ts";
import { parseFilters, selectRecords } from "../../../web/src/job/filters.ts";

const STAMP = { model: "deep-emotion@1", pipeline: 1 } as const;

function makeRecord(id: string, margin: number | null): ScoreRecord {
  const plain = makePlainRecord({ index: 0, id, key: id, size: 1, etag: null }, STAMP, "no_face", null);
  return { ...plain, margin };
}

/** Cuts bytes anywhere, characters included. */
function streamPieces(text: string, cuts: readonly number[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const bytes = new TextEncoder().encode(text);
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return new ReadableStream({
    start(controller) {
      let from = 0;
      for (const to of [...places, bytes.length]) {
        if (to > from) controller.enqueue(bytes.slice(from, to));
        from = to;
      }
      controller.close();
    },
  });
}

describe("event stream", () => {
  it("gives the same events however it is cut", async () => {
    const text =
      ': waiting\n\nid: 1\nevent: status\ndata: {"name":"Zoë"}\n\nid: 2\nevent: progress\ndata: a\ndata: b\n\nid: 3\ndata: cut o';
    const expected = [
      { id: "1", type: "status", data: '{"name":"Zoë"}' },
      { id: "2", type: "progress", data: "a\nb" },
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(200), { maxLength: 8 }), async (cuts) => {
        const events: StreamEvent[] = [];
        for await (const event of readEvents(streamPieces(text, cuts))) events.push(event);
        expect(events).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("connects again after a break, from the last event on", async () => {
    const asked: (string | undefined)[] = [];
    const answers = [
      'id: 7\nevent: progress\ndata: {"status":"running"}\n\nid: 8\nevent: pro',
      'id: 8\nevent: status\ndata: {"status":"completed"}\n\n',
    ];
    const connect = (headers: Readonly<Record<string, string>>): Promise<Response> => {
      asked.push(headers["last-event-id"]);
      return Promise.resolve(new Response(answers[asked.length - 1] ?? ""));
    };
    const ids: string[] = [];
    for await (const event of followEvents(connect, new AbortController().signal)) ids.push(event.id);
    expect(ids).toEqual(["7", "8"]);
    expect(asked).toEqual([undefined, "7"]);
  });

  it("goes on after an answer that asks for a pause, tells of it, and ends with one that refuses", async () => {
    const answers = [
      () => Promise.reject(new ScoringError("rate_limited", "slowly")),
      () => Promise.resolve(new Response('id: 1\nevent: progress\ndata: {"status":"running"}\n\n')),
      () => Promise.reject(new ScoringError("not_found", "gone")),
    ];
    const told: (string | null)[] = [];
    const seen: string[] = [];
    const follow = async (): Promise<void> => {
      const events = followEvents(
        () => answers.shift()!(),
        new AbortController().signal,
        (trouble) => told.push(trouble?.code ?? null),
      );
      for await (const { id } of events) seen.push(id);
    };
    await expect(follow()).rejects.toMatchObject({ code: "not_found" });
    expect([seen, told]).toEqual([["1"], ["rate_limited", null]]);
  });
});

describe("api client", () => {
  it("throws the server's code and findings", async () => {
    const issues = [{ path: "input.store", code: "unknown_store", message: "no store" }];
    const body = JSON.stringify({ code: "validation_failed", detail: "1 finding", issues });
    const api = createApi({ fetch: () => Promise.resolve(new Response(body, { status: 422 })) });
    await expect(api.listStores()).rejects.toMatchObject({ code: "validation_failed", detail: "1 finding", issues });
  });

  it("says api_unavailable where nobody answers, and where the answer is none of ours", async () => {
    const silent = createApi({ fetch: () => Promise.reject(new TypeError("refused")) });
    await expect(silent.listModels()).rejects.toMatchObject({ code: "api_unavailable" });
    const proxy = createApi({ fetch: () => Promise.resolve(new Response("<html>", { status: 502 })) });
    await expect(proxy.listModels()).rejects.toMatchObject({ code: "api_unavailable" });
  });

  it("reads an empty output as nothing, not as an error", async () => {
    const body = JSON.stringify({ code: "range_unsatisfiable", detail: "labels.jsonl has 0 bytes" });
    const api = createApi({ fetch: () => Promise.resolve(new Response(body, { status: 416 })) });
    expect(await readLabelWindow(api, "job", LABELS_START)).toEqual({ records: [], next: null, total: 0 });
    await expect(api.readOutput("job", "labels.jsonl", 10, 10)).rejects.toMatchObject({ code: "range_unsatisfiable" });
  });

  it("says api_unavailable where the answer breaks off", async () => {
    const api = createApi({ fetch: () => Promise.resolve(new Response(breakOff())) });
    await expect(api.listModels()).rejects.toMatchObject({ code: "api_unavailable" });
    await expect(api.readOutput("job", "labels.jsonl", 0, 10)).rejects.toMatchObject({ code: "api_unavailable" });
  });
});

function breakOff(): ReadableStream {
  return new ReadableStream({ start: (controller) => controller.error(new TypeError("cut")) });
}

function writeLines(ids: readonly string[]): Uint8Array {
  const lines = ids.map((id) => `${serializeRecord({ ...makeRecord(id, null), key: "k" })}\n`);
  return new TextEncoder().encode(lines.join(""));
}

describe("gallery", () => {
  it("knows the place of every line, and leaves the unfinished one", () => {
    const records = ["a", "ü", "c"].map((id) => makeRecord(id, null));
    const lines = records.map((record) => serializeRecord(record));
    const bytes = new TextEncoder().encode(`${lines.join("\n")}\n{"id":`);
    const placed = splitLines(bytes, { offset: 1000, before: null });
    expect(placed.map(({ record }) => record)).toEqual(records);
    for (const [index, { offset, length }] of placed.entries()) {
      const text = new TextDecoder().decode(bytes.subarray(offset - 1000, offset - 1000 + length));
      expect(text).toBe(lines[index]);
    }
  });

  it("numbers the inputs: the faces of one picture have one number, across windows too", () => {
    const ids = ["a#0", "a#1", "b#0", "c", "c#1", "d#0", "d#2"];
    const whole = splitLines(writeLines(ids), LABELS_START).map(({ input }) => input);
    // c has no number, so that c#1 is another input's own name; d#2 does not follow d#1.
    expect(whole).toEqual([0, 0, 1, 2, 3, 4, 5]);
    const first = splitLines(writeLines(ids.slice(0, 1)), LABELS_START);
    const rest = splitLines(writeLines(ids.slice(1)), { offset: 9, before: first[0] ?? null });
    expect([...first, ...rest].map(({ input }) => input)).toEqual(whole);
  });

  it("filters and sorts as the address says", () => {
    const placed = [0.5, null, 0.1, 0.9].map((margin, index) => ({
      record: makeRecord(String(index), margin),
      input: index,
      offset: 0,
      length: 0,
    }));
    const ids = (query: string) =>
      selectRecords(placed, parseFilters(new URLSearchParams(query))).map(({ record }) => record.id);
    expect(ids("")).toEqual(["0", "1", "2", "3"]);
    expect(ids("sort=margin")).toEqual(["2", "0", "3", "1"]);
    expect(ids("sort=surest")).toEqual(["3", "0", "2", "1"]);
    expect(ids("margin=0.5")).toEqual(["0", "2"]);
    expect(ids("group=__proto__%3Dx")).toEqual([]);
  });

  it("draws the identity around the cut square, and a shift to its side", () => {
    const box = { x: 10, y: 20, width: 40, height: 60 };
    // The longer side, around the same center: 60 pixels from (0, 20).
    expect(attendedRegion({ box, score: 0.9, theta: [1, 0, 0, 0, 1, 0] })).toEqual([
      { x: 0, y: 20 },
      { x: 60, y: 20 },
      { x: 60, y: 80 },
      { x: 0, y: 80 },
    ]);
    expect(attendedRegion({ box, score: 0.9, theta: [0.5, 0, 1, 0, 0.5, 0] })?.[0]).toEqual({ x: 45, y: 35 });
    expect(attendedRegion({ box, score: 0.9, theta: null })).toBeNull();
  });
});
