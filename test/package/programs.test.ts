import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, inject, it } from "vitest";
import { parsePart } from "../../src/scoring/records/record-line.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { copyPhotographs, names, root, run } from "./stranger.ts";

/** Programs that use the installed package. */

const { folder } = inject("installed");

/** What both ways must tell of a picture. */
function tell({ key, status, label, model, pipeline }: ScoreRecord): readonly unknown[] {
  return [key.replace("photos/", ""), status, label, model, pipeline];
}

beforeAll(() => copyPhotographs(join(folder, "photos")));

it("scores photographs by the command line and by the library alike", async () => {
  const args = ["score", "photos", "--faces", "largest", "--out", "out", "--json", "--threads", "2"];
  const report = JSON.parse(await run("npx", ["--no", "--", "countenance", ...args], folder)) as {
    readonly job: { readonly id: string };
    readonly denominators: { readonly scored: number };
  };
  expect(report.denominators.scored).toBe(names.length);
  const lines = await readFile(join(folder, "out", report.job.id, "labels.jsonl"));
  await writeFile(
    join(folder, "score.js"),
    `import { createScorer } from "countenance";
     const scorer = await createScorer({ faces: "largest" });
     const records = [];
     for await (const record of scorer.scoreAll(${JSON.stringify(names)}.map((name) => "photos/" + name))) records.push(record);
     console.log(JSON.stringify(records));`,
  );
  const byLibrary = JSON.parse(await run("node", ["score.js"], folder)) as readonly ScoreRecord[];
  expect(byLibrary.map(tell)).toEqual(parsePart(lines).map(tell));
});

it.each(["bundler", "nodenext"])("type-checks with moduleResolution %s", async (resolution) => {
  await writeFile(
    join(folder, "consumer.ts"),
    `import { aggregate, createScorer, readRecords, renderReport, type Report, type ScoreRecord } from "countenance";
     import { createApi, type JobEvent } from "countenance/client";
     import type { ObjectStore } from "countenance/testing";
     import { createCountenance, type CountenanceWorker } from "countenance/worker";
     const scorer = await createScorer({ model: "deep-emotion", faces: "all", engine: "fused" });
     const records: readonly ScoreRecord[] = await scorer.score({ picture: new Uint8Array(), groups: { night: "1" } });
     const report: Report = await aggregate(scorer.scoreAll(["a.jpg", new Blob()]), { groupBy: ["night"] });
     const page: string = renderReport(report);
     for await (const { label } of readRecords(new Response("").body!)) console.log(label, records, page);
     const api = createApi({ baseUrl: "http://127.0.0.1:8787", key: "key" });
     const { id } = await api.submitJob({
       input: { store: "faces", prefix: "in/" },
       output: { store: "faces", prefix: "out/" },
     });
     for await (const event of api.followJob(id, new AbortController().signal)) console.log((event as JobEvent).type);
     const worker: CountenanceWorker = createCountenance({ basePath: "/a", stores: () => ({}) as Record<string, ObjectStore> });
     console.log(worker);
     // @ts-expect-error there is no such model option
     await createScorer({ modle: "deep-emotion" });`,
  );
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "es2022",
        lib: ["es2024", "dom", "dom.iterable", "dom.asynciterable"],
        module: resolution === "bundler" ? "esnext" : "nodenext",
        moduleResolution: resolution,
        strict: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        types: [],
      },
      files: ["consumer.ts"],
    }),
  );
  expect(await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], folder)).toBe("");
});
