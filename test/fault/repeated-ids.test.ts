import { beforeAll, describe, expect, it } from "vitest";
import type { JobCoordinator } from "../../src/scoring/job/coordinator-port.ts";
import { jobFolder } from "../../src/scoring/keys.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { verifyJob } from "../../src/scoring/requests/verify.ts";
import { copyScene, createWorkDeps, runSceneJob, type Scene, SMALL, startErasure } from "./erasure-scene.ts";

/** Inputs of a list that all have one id, in chunks of three: pictures, a text and an empty object, each with a truth of its own. */
const KEYS = ["in/05-text.jpg", "in/00.png", "in/08-empty.jpg", "in/01.png", "in/04.png", "in/02.png", "in/04.png"];
const TRUTHS = ["Sad", "Happy", "Fear", "Angry", "Neutral", "Surprise", "Disgust"];
const LINES = KEYS.map((key, at) => ({ key, id: "one", label: TRUTHS[at] }));

let scene: Scene;

async function readOutput({ store, rows }: Scene, name: string): Promise<string> {
  const bytes = await readObject(store, `${jobFolder("out/", "job", rows.readState()!.generation)}${name}`, 1e8);
  return new TextDecoder().decode(bytes!);
}

async function readLines(from: Scene, name: string): Promise<Record<string, unknown>[]> {
  const lines = (await readOutput(from, name)).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

beforeAll(async () => {
  scene = await runSceneJob({ lines: LINES });
});

describe("a job over a list whose ids repeat", () => {
  it("has one record for each line, in the list's order", async () => {
    const records = await readLines(scene, "labels.jsonl");
    expect(records.map(({ key, truth }) => [key, truth])).toEqual(KEYS.map((key, at) => [key, TRUTHS[at]]));
    expect(scene.rows.readState()).toMatchObject({ listed: 7, records: 7, outcomes: { scored: 5, failed: 2 } });
  });

  it("lists what failed with each input's own facts, which a retry takes up", async () => {
    const failed = await readLines(scene, "errors.jsonl");
    expect(failed.map(({ key, label }) => [key, label])).toEqual([
      ["in/05-text.jpg", "Sad"],
      ["in/08-empty.jpg", "Fear"],
    ]);
    const retry = await runSceneJob({ lines: failed });
    expect(retry.rows.readState()).toMatchObject({ listed: 2, outcomes: { failed: 2 } });
  });

  it("loses the erased image's records and no other's", async () => {
    const erased = await copyScene(scene);
    const run = await startErasure(erased, () => false);
    await run.eraser.askErase("faces", { key: "in/04.png", id: null });
    await run.finish(async () => {});
    const without = await runSceneJob({ lines: LINES.filter(({ key }) => key !== "in/04.png") });
    for (const name of ["input.jsonl", "labels.jsonl", "labels.csv", "errors.jsonl", "report.json"]) {
      expect(await readOutput(erased, name)).toBe(await readOutput(without, name));
    }
    expect(erased.rows.readState()).toMatchObject({ listed: 5, records: 5, erasure: { inputs: 2 } });
  });

  it("is verified input by input", async () => {
    const { store, rows } = scene;
    const { withScorer } = await createWorkDeps(store);
    const job: Pick<JobCoordinator, "read" | "listChunks"> = {
      read: async () => ({ spec: rows.readSpec()!, state: rows.readState()! }),
      listChunks: async (from, limit) => rows.listChunks(from, limit),
    };
    const readModelSha256 = async (): Promise<string> => rows.readSpec()!.modelSha256;
    const deps = { openStore: () => store, withReference: withScorer, readModelSha256, limits: SMALL };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of the port as is called
    const verification = await verifyJob(deps, job as JobCoordinator, 100);
    expect(verification).toMatchObject({ compared: 7, agreed: 7, disagreements: [], passed: true });
  });
});
