import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { aggregate, createScorer, type Picture, readRecords, renderReport } from "../../../src/library/node.ts";
import type { PictureScorer } from "../../../src/library/picture-scorer.ts";
import { FACE_PIXELS } from "../../../src/model/labels.ts";
import { encodeGrayPng } from "../../../src/image/png/png-encode.ts";
import { serializeRecords } from "../../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { VERSION } from "../../../src/version.ts";

/** The package's main entry, in Node. */

const root = join(import.meta.dirname, "../../..");

/** A crop whose gray values follow `seed`. */
function drawCrop(seed: number): Uint8Array<ArrayBuffer> {
  const pixels = Uint8Array.from({ length: FACE_PIXELS }, (_, at) => (at * (seed + 3) + (at >> 5) * seed) % 256);
  return new Uint8Array(encodeGrayPng(pixels, 48));
}

let scorer: PictureScorer<Picture>;

beforeAll(async () => {
  scorer = await createScorer({ faces: "aligned" });
});

async function scoreAll(pictures: Parameters<typeof scorer.scoreAll>[0]): Promise<ScoreRecord[]> {
  const records: ScoreRecord[] = [];
  for await (const record of scorer.scoreAll(pictures)) records.push(record);
  return records;
}

describe("createScorer", () => {
  it("gives one record for a crop, whatever brings its bytes", async () => {
    const bytes = drawCrop(1);
    const [record] = await scorer.score(bytes);
    expect(record).toMatchObject({ status: "scored", model: "deep-emotion@4", error: null });
    expect(Object.keys(record!.probabilities!)).toHaveLength(7);
    for (const picture of [bytes.buffer, new Blob([bytes]), new Response(bytes), new File([bytes], "face.png")]) {
      const [other] = await scorer.score(picture);
      expect(other).toEqual({ ...record, id: other!.id, key: other!.key });
    }
    expect((await scorer.score(new File([bytes], "face.png")))[0]!.id).toBe("face.png");
  });

  it("keeps the order, the names and what a caller says of each picture, over more than one batch", async () => {
    const crops = Array.from({ length: 5 }, (_, seed) => drawCrop(seed));
    const alone = await Promise.all(crops.map(async (crop) => (await scorer.score(crop))[0]!.probabilities));
    const pictures = Array.from({ length: 130 }, (_, at) => ({
      picture: crops[at % crops.length]!,
      id: `face ${Math.floor(at / 2)}`,
      label: "Happy" as const,
      groups: { night: String(at % 3) },
    }));
    const records = await scoreAll(pictures);
    expect(records.map(({ id, key, groups, truth }) => [id, key, groups, truth])).toEqual(
      pictures.map(({ id, groups, label }) => [id, id, groups, label]),
    );
    for (const [at, { probabilities }] of records.entries()) {
      for (const [label, value] of Object.entries(probabilities!)) {
        expect(value).toBeCloseTo(alone[at % crops.length]![label]!, 6);
      }
    }
  });

  it("tells of a picture that cannot be read in its record, and goes on", async () => {
    const path = join(root, "does-not-exist.jpg");
    const records = await scoreAll([path, new Uint8Array(), new TextEncoder().encode("no picture"), drawCrop(2)]);
    expect(records.map(({ status, error }) => [status, error?.code ?? null])).toEqual([
      ["failed", "object_missing"],
      ["failed", "object_empty"],
      ["failed", "image_unsupported"],
      ["scored", null],
    ]);
    expect(records[0]!.id).toBe(path);
  });

  it("refuses a model that there is none of", async () => {
    await expect(createScorer({ model: "no-such" })).rejects.toThrow("unknown_model");
  });
});

describe("aggregate", () => {
  it("folds piece by piece what it would fold at once", async () => {
    const [record] = await scorer.score(drawCrop(3));
    const records = Array.from({ length: 2500 }, (_, at) => ({
      ...record!,
      id: String(at),
      groups: { night: String(at % 2) },
    }));
    const madeAt = new Date(0);
    const report = await aggregate(records, { groupBy: ["night"], faces: "aligned", madeAt });
    expect(report.denominators).toMatchObject({ listed: 2500, scored: 2500, unaccounted: 0 });
    expect(report.groups[0]!.groups.map(({ figures }) => figures.faces)).toEqual([1250, 1250]);
    expect(report.provenance).toMatchObject({ model: "deep-emotion@4", faces: "aligned", faceFinder: null });
    expect(renderReport(report)).toMatch(/^<!doctype html>/i);
  });

  it("refuses to aggregate nothing", async () => {
    await expect(aggregate([])).rejects.toThrow("no records");
  });
});

describe("readRecords", () => {
  it("reads back what was written, however the bytes are cut", async () => {
    const records = [
      ...(await scorer.score({ picture: drawCrop(4), id: "Zoë" })),
      ...(await scorer.score("missing.png")),
    ];
    const bytes = new TextEncoder().encode(serializeRecords(records));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 6 }), async (cuts) => {
        const places = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b);
        const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
          start(controller) {
            for (const [at, place] of places.slice(1).entries()) controller.enqueue(bytes.slice(places[at], place));
            controller.close();
          },
        });
        const read: ScoreRecord[] = [];
        for await (const record of readRecords(stream)) read.push(record);
        expect(serializeRecords(read)).toBe(serializeRecords(records));
      }),
      { numRuns: 50 },
    );
  });

  it("names the line that is no record", async () => {
    const line = serializeRecords(await scorer.score(drawCrop(5)));
    const read = async (): Promise<void> => {
      for await (const record of readRecords(new Blob([line, "{}\n"]))) expect(record.status).toBe("scored");
    };
    await expect(read()).rejects.toThrow("line 2 is not a record");
  });
});

it("the sources hold the version of package.json", () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
  expect(VERSION).toBe(version);
});
