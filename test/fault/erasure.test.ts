import * as fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { jobFolder } from "../../src/scoring/keys.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import type { RunLock } from "../../src/scoring/finalize/run-lock.ts";
import { copyScene, listKeys, runSceneJob, type Scene, type SceneInput, startErasure } from "./erasure-scene.ts";
import { checkGenerations, grepOutputs } from "./erasure-checks.ts";

/** Histories of kills; `SIMULATION_RUNS=1000` for a long look. */
const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 25);
vi.setConfig({ testTimeout: 60_000 + RUNS * 20_000 });

const KEY = "in/04.png";
const LISTED: SceneInput = { prefix: "in/" };

let listed: Scene;
let expected: Record<string, string>;

/** Outputs as a job over the same inputs without the image writes them. */
const SAME = ["input.jsonl", "labels.jsonl", "labels.csv", "labels.parquet", "errors.jsonl", "report.json"];

async function readOutputs({ store, rows }: Scene): Promise<Record<string, string>> {
  const folder = jobFolder("out/", "job", rows.readState()!.generation);
  const outputs: Record<string, string> = {};
  for (const name of SAME)
    outputs[name] = Buffer.from((await readObject(store, `${folder}${name}`, 1e8))!).toString("latin1");
  return outputs;
}

beforeAll(async () => {
  listed = await runSceneJob(LISTED);
  expected = await readOutputs(await runSceneJob(LISTED, { without: KEY }));
});

async function expectGone(scene: Scene, key = KEY): Promise<void> {
  expect(await grepOutputs(scene.store, key)).toEqual([]);
  for (const row of [scene.rows.readState(), scene.rows.readSpec(), scene.rows.listEvents(0, 1000)]) {
    expect(JSON.stringify(row)).not.toContain(key);
  }
}

describe("erasing an image from a finished job", () => {
  it("leaves the outputs of a job that never had it, in a new generation, and nothing of the old one", async () => {
    const scene = await copyScene(listed);
    expect((await grepOutputs(scene.store, KEY)).length).toBeGreaterThan(3);
    const run = await startErasure(scene, () => false);
    expect(await run.eraser.askErase("faces", { key: KEY, id: null })).toBe("erasing");
    await run.finish(async () => {});
    await expectGone(scene);
    expect(await readOutputs(scene)).toEqual(expected);
    const folder = jobFolder("out/", "job", 1);
    expect(await checkGenerations(scene.store)).toEqual({ [folder]: [] });
    expect((await listKeys(scene.store, "out/")).filter((key) => !key.startsWith(folder))).toEqual([]);
    const success = new TextDecoder().decode((await readObject(scene.store, `${folder}_SUCCESS`, 1e8))!);
    expect(parseStored(success)).toMatchObject({ generation: 1, replaces: 0 });
    const state = scene.rows.readState()!;
    expect(state).toMatchObject({ listed: 13, records: 13, outcomes: { scored: 11, failed: 2 }, generation: 1 });
    expect(state.erasure).toMatchObject({ targets: [], inputs: 1, failure: null });
    // What verification goes by: rows, parts and input.jsonl agree.
    const chunks = scene.rows.listChunks(0, 100);
    expect(chunks.reduce((sum, { count }) => sum + count, 0)).toBe(13);
    expect(chunks.map(({ first }) => first)).toEqual(
      chunks.map((_, at) => chunks.slice(0, at).reduce((sum, { count }) => sum + count, 0)),
    );
  });

  it("keeps one generation whole at a kill before and after every call, and ends the same", async () => {
    const count = await startErasure(await copyScene(listed), () => false);
    await count.eraser.askErase("faces", { key: KEY, id: null });
    await count.finish(async () => {});
    expect(count.moments).toBeGreaterThan(200);
    for (let fatal = 0; fatal < count.moments; fatal++) {
      const scene = await copyScene(listed);
      const run = await startErasure(scene, (moment) => moment === fatal);
      await run.eraser.askErase("faces", { key: KEY, id: null });
      await run.finish(async () => {
        const generations = await checkGenerations(scene.store);
        const current = jobFolder("out/", "job", scene.rows.readState()!.generation);
        expect(generations[current], `moment ${fatal}`).toEqual([]);
        expect(Object.values(generations).flat(), `moment ${fatal}`).toEqual([]);
      });
      expect(run.kills, `moment ${fatal}`).toBe(1);
      await expectGone(scene);
      expect(await readOutputs(scene), `moment ${fatal}`).toEqual(expected);
      expect(await checkGenerations(scene.store)).toEqual({ [jobFolder("out/", "job", 1)]: [] });
    }
  });

  it("ends the same under many kills, for several images asked for at any time", async () => {
    const keys = ["in/00.png", "in/05-text.jpg", "in/08-empty.jpg", "in/11.png", "in/none.png"];
    const calm = await copyScene(listed);
    const calmRun = await startErasure(calm, () => false);
    for (const key of keys) await calmRun.eraser.askErase("faces", { key, id: null });
    await calmRun.finish(async () => {});
    const outputs = await readOutputs(calm);
    expect(calm.rows.readState()).toMatchObject({ listed: 10, outcomes: { scored: 10, failed: 0 }, errors: {} });
    await fc.assert(
      fc.asyncProperty(
        fc.infiniteStream(fc.integer({ min: 0, max: 29 })),
        fc.shuffledSubarray(keys, { minLength: 5 }),
        async (chances, order) => {
          const scene = await copyScene(listed);
          let kills = 0;
          const draws = chances[Symbol.iterator]();
          const run = await startErasure(scene, () => draws.next().value === 0 && (kills += 1) < 40);
          const waiting = [...order];
          const answers: string[] = [];
          const ask = async (): Promise<void> => {
            const key = waiting.pop();
            if (key !== undefined) answers.push(await run.eraser.askErase("faces", { key, id: null }));
          };
          await ask();
          await run.finish(async () => {
            expect(Object.values(await checkGenerations(scene.store)).flat()).toEqual([]);
            await ask();
          });
          while (waiting.length > 0) await ask();
          await run.finish(async () => {});
          expect(answers).toEqual(keys.map(() => "erasing"));
          for (const key of keys) await expectGone(scene, key);
          expect(await readOutputs(scene)).toEqual(outputs);
        },
      ),
      { numRuns: RUNS },
    );
  });
});

describe("what erasing reaches beside the records", () => {
  it("takes the key out of the manifest's objects, so out of run.lock.json and the rows", async () => {
    const objects = ["in/00.png", KEY, "in/05-text.jpg"].map((key) => ({ key }));
    const scene = await runSceneJob({ objects });
    expect(await grepOutputs(scene.store, KEY)).toContain("out/job/run.lock.json");
    const run = await startErasure(scene, () => false);
    await run.eraser.askErase("faces", { key: KEY, id: null });
    await run.finish(async () => {});
    await expectGone(scene);
    const lock = new TextDecoder().decode(
      (await readObject(scene.store, `${jobFolder("out/", "job", 1)}run.lock.json`, 1e8))!,
    );
    expect(parseStored<RunLock>(lock)).toMatchObject({ generation: { number: 1, replaces: 0 }, counts: { listed: 2 } });
  });

  it("rewrites what a cancelled job never scored", async () => {
    const scene = await runSceneJob(LISTED, { cancelled: true });
    const before = scene.rows.readState()!;
    expect(before.outcomes.cancelled).toBeGreaterThan(0);
    const run = await startErasure(scene, () => false);
    for (const key of ["in/00.png", "in/07.png"]) await run.eraser.askErase("faces", { key, id: null });
    await run.finish(async () => {});
    await expectGone(scene, "in/00.png");
    await expectGone(scene, "in/07.png");
    const after = scene.rows.readState()!;
    expect(after).toMatchObject({ status: "cancelled", listed: before.listed - 2 });
    expect(after.outcomes).toEqual({
      ...before.outcomes,
      scored: before.outcomes.scored - 1,
      cancelled: before.outcomes.cancelled - 1,
    });
  });

  it("leaves a job alone that does not hold the image", async () => {
    const scene = await copyScene(listed);
    const before = await listKeys(scene.store, "out/");
    const run = await startErasure(scene, () => false);
    expect(await run.eraser.askErase("other", { key: KEY, id: null })).toBe("elsewhere");
    expect(await run.eraser.askErase("faces", { key: "out/04.png", id: null })).toBe("elsewhere");
    expect(await run.eraser.askErase("faces", { key: "in/04.pn", id: null })).toBe("erasing");
    await run.finish(async () => {});
    expect(await listKeys(scene.store, "out/")).toEqual(before);
    expect(scene.rows.readState()).toMatchObject({ listed: 14, erasure: { targets: [], inputs: 0 } });
    expect(scene.rows.readState()!.generation).toBeUndefined();
  });

  it("tells of outputs that are not what the job wrote, keeps them, and tries again when asked", async () => {
    const scene = await copyScene(listed);
    const part = "out/job/parts/000000003.jsonl";
    const bytes = (await readObject(scene.store, part, 1e8))!;
    await scene.store.put(part, "spoiled");
    const run = await startErasure(scene, () => false);
    await run.eraser.askErase("faces", { key: KEY, id: null });
    await run.finish(async () => {});
    expect(scene.rows.readState()!.erasure).toMatchObject({ failure: { code: "output_conflict" }, inputs: 0 });
    expect(scene.rows.readState()!.generation).toBeUndefined();
    await scene.store.put(part, bytes);
    expect(await run.eraser.askErase("faces", { key: KEY, id: null })).toBe("erasing");
    await run.finish(async () => {});
    await expectGone(scene);
    expect(await readOutputs(scene)).toEqual(expected);
    expect(await checkGenerations(scene.store)).toEqual({ [jobFolder("out/", "job", 2)]: [] });
  });
});
