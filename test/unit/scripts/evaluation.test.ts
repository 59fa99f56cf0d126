import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { matchLabel } from "../../../src/evaluation/dataset.ts";
import { openDataset } from "../../../src/evaluation/open-dataset.ts";
import { evaluateModel } from "../../../src/evaluation/evaluate-model.ts";
import { parseModelCard } from "../../../src/model/card.ts";
import { GRAY_48 } from "../../../src/model/input-form.ts";
import { FACE_PIXELS, LABEL_COUNT, LABELS } from "../../../src/model/labels.ts";
import { computeSha256 } from "../../../src/model/model.ts";
import { computeProbabilities } from "../../../src/model/softmax.ts";
import { drawNoise } from "../../golden/network.ts";
import { readFixture } from "../model/checkpoint/fixtures.ts";

const root = join(import.meta.dirname, "../../..");
const images = join(root, "test/golden/images");
const ALL = { usage: "all", limit: Infinity };
const run = promisify(execFile);
let folder = "";

/** Runs one of the scripts as a user does. */
async function runScript(name: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { COUNTENANCE_DATA: _, ...env } = process.env;
  return run(process.execPath, [join(root, "scripts", name), ...args], { env, cwd: folder }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

function writeCsv(count: number, usage: (row: number) => string): string {
  const pixels = drawNoise(3, count);
  const rows = Array.from({ length: count }, (_, row) => {
    const face = pixels.subarray(row * FACE_PIXELS, (row + 1) * FACE_PIXELS);
    return `${row % LABEL_COUNT},"${face.join(" ")}",${usage(row)}`;
  });
  return `emotion,pixels,Usage\r\n${rows.join("\r\n")}\r\n`;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-evaluation-"));
  await writeFile(
    join(folder, "fer2013.csv"),
    writeCsv(20, (row) => (row < 6 ? "Training" : "PublicTest")),
  );
  await writeFile(join(folder, "tiny.pt"), readFixture("parallel-wrapped"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("data sets", () => {
  it("fer2013.csv gives its pixels as they are, by usage", async () => {
    const dataset = await openDataset(join(folder, "fer2013.csv"), { usage: "PublicTest", limit: Infinity });
    expect(dataset).toMatchObject({ name: "FER2013 PublicTest", count: 14, failed: [] });
    expect(dataset.pixels).toEqual(drawNoise(3, 20).slice(6 * FACE_PIXELS));
    expect([...dataset.truth.subarray(0, 3)]).toEqual([6, 0, 1]);
    expect((await openDataset(folder, { usage: "all", limit: 4 })).count).toBe(4);
    await expect(openDataset(folder, { usage: "Test", limit: 1 })).rejects.toThrow("--usage is one of");
  });

  it("a damaged csv is refused by line", async () => {
    const path = join(folder, "damaged.csv");
    await writeFile(path, "emotion,pixels\n3,1 2 3\n");
    await expect(openDataset(path, ALL)).rejects.toThrow("line 2: not 2304 pixels");
    await writeFile(path, `emotion,pixels\n9,${Array(FACE_PIXELS).fill(0).join(" ")}\n`);
    await expect(openDataset(path, ALL)).rejects.toThrow("emotion must be 0 to 6");
    await writeFile(path, "a,b\n");
    await expect(openDataset(path, ALL)).rejects.toThrow("must name the columns");
  });

  it("class folders go through decoding; what cannot be decoded is counted with its reason", async () => {
    const classes = join(folder, "faces", "test");
    await mkdir(join(classes, "3_Happy"), { recursive: true });
    await mkdir(join(classes, "Sadness"), { recursive: true });
    await copyFile(join(images, "grey-48x48.png"), join(classes, "3_Happy", "a.png"));
    await copyFile(join(images, "grey-48x48.png"), join(classes, "Sadness", "b.png"));
    await writeFile(join(classes, "Sadness", "c.jpg"), "no picture");
    const dataset = await openDataset(join(folder, "faces"), { usage: "PublicTest", limit: Infinity });
    expect([...dataset.truth]).toEqual([3, 4]);
    expect(dataset.pixels).toHaveLength(2 * FACE_PIXELS);
    expect(dataset.failed).toMatchObject([{ path: join(classes, "Sadness", "c.jpg"), code: "image_unsupported" }]);
    await expect(openDataset(images, ALL)).rejects.toThrow("nor folders named Angry");
    await expect(openDataset(join(folder, "nowhere"), ALL)).rejects.toThrow("does not exist");
  });

  it("faces and labels are those of the model that is measured", async () => {
    const labels = ["Calm", ...LABELS.toReversed()];
    const input = { size: 64, color: "rgb" } as const;
    const dataset = await openDataset(folder, { ...ALL, labels, input });
    expect(dataset.pixels).toHaveLength(20 * 64 * 64 * 3);
    expect([...dataset.truth.subarray(0, 3)]).toEqual([7, 6, 5]);
    const [red, green, blue] = dataset.pixels;
    expect([green, blue]).toEqual([red, red]);
    await expect(openDataset(folder, { ...ALL, labels: labels.slice(0, 4) })).rejects.toThrow(
      "FER2013 has faces of Angry",
    );
    const classes = join(folder, "own");
    await mkdir(join(classes, "calm"), { recursive: true });
    await mkdir(join(classes, "other"));
    await copyFile(join(images, "grey-48x48.png"), join(classes, "calm", "a.png"));
    expect(await openDataset(classes, { ...ALL, labels, input })).toMatchObject({ count: 1, unknown: ["other"] });
  });

  it("class folders have the names that data sets give them", () => {
    expect(
      ["Anger", "disgust", "2", "happiness", "4-sad", "surprised", "NEUTRAL"].map((name) => matchLabel(name)),
    ).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(["contempt", "7", "unhappy", "train"].map((name) => matchLabel(name))).toEqual([-1, -1, -1, -1]);
    const own = ["not sure", "happiness", "tired"];
    expect(["Not_Sure", "Happy", "2_tired", "sure", "0"].map((name) => matchLabel(name, own))).toEqual([
      0, 1, 2, -1, 0,
    ]);
  });
});

describe("evaluateModel", () => {
  it("measures what the classifier says, averaging the mirrored pass", async () => {
    const dataset = await openDataset(folder, ALL);
    const logits = new Float32Array(dataset.count * LABEL_COUNT);
    dataset.truth.forEach(
      (label, face) => (logits[face * LABEL_COUNT + (face < 5 ? (label + 1) % LABEL_COUNT : label)] = 3),
    );
    let calls = 0;
    const classifier = {
      model: "known@1",
      labels: LABELS,
      input: GRAY_48,
      engine: "known",
      batchSize: 1000,
      async classify(_pixels: Uint8Array, count: number) {
        // The mirrored pass knows nothing, so it leaves the labels and halves the confidence.
        const given = calls++ === 0 ? logits : new Float32Array(count * LABEL_COUNT);
        return {
          count,
          logits: given,
          probabilities: computeProbabilities(given, count, null),
          theta: null,
          embedding: null,
        };
      },
      dispose: () => {},
    };
    const { modes } = await evaluateModel(classifier, dataset, ["none", "flip"], 1);
    expect(modes.map(({ tta, correct, faces }) => [tta, correct, faces])).toEqual([
      ["none", 15, 20],
      ["flip", 15, 20],
    ]);
    const confidence = Math.exp(3) / (Math.exp(3) + 6);
    expect(modes[0]?.ece.before).toBeCloseTo(Math.abs(0.75 - confidence), 6);
    expect(modes[1]?.ece.before).toBeCloseTo(Math.abs(0.75 - (confidence + 1 / 7) / 2), 6);
    expect(modes[0]?.interval[0]).toBeCloseTo(0.5313, 4);
    expect(modes[0]?.interval[1]).toBeCloseTo(0.8881, 4);
  });
});

describe("the scripts", () => {
  it("export-weights writes weights and card that evaluate then measures alike", async () => {
    const out = join(folder, "tiny@3");
    const exported = await runScript(
      "export-weights.ts",
      "tiny.pt",
      "--name",
      "tiny",
      "--version",
      "3",
      "--out",
      out,
      "--evaluate",
      "fer2013.csv",
    );
    expect(exported.stderr).toBe("");
    expect(exported.stdout).toMatch(/conv1\.weight\s+│ \[1, 1, 3, 3\]\s+│ [0-9a-f]{16}/);
    const card = parseModelCard(await readFile(join(out, "card.json"), "utf8"));
    expect(card).toMatchObject({ name: "tiny", version: 3, alignCorners: true, labels: [...LABELS] });
    expect(await computeSha256(await readFile(join(out, "weights.safetensors")))).toBe(card.sha256);
    const evaluated = await runScript("evaluate.ts", "--data", "fer2013.csv", "--model", out, "--json");
    const report: { evaluations: { accuracy: number; confusion: number[][]; ece: { after: number } }[] } = JSON.parse(
      evaluated.stdout,
    );
    report.evaluations.forEach((mode, index) => {
      expect(mode.confusion).toEqual(card.evaluations[index]?.confusion);
      expect(mode.accuracy).toBeCloseTo(card.evaluations[index]?.accuracy ?? -1, 6);
      expect(mode.ece.after).toBeCloseTo(card.evaluations[index]?.ece.after ?? -1, 5);
    });
    // The same weights again are no harm; others under that name are.
    const again = ["export-weights.ts", "tiny.pt", "--name", "tiny", "--version", "3", "--out", out] as const;
    expect((await runScript(...again)).code).toBe(0);
    await writeFile(join(out, "card.json"), JSON.stringify({ ...card, sha256: "0".repeat(64) }));
    expect(await runScript(...again)).toMatchObject({ code: 1, stderr: expect.stringContaining("the next version") });
    const oracle = await runScript(
      "evaluate.ts",
      "--data",
      "fer2013.csv",
      "--model",
      "tiny.pt",
      "--engine",
      "oracle",
      "--tta",
      "none",
    );
    expect(oracle.stdout).toContain("Single pass (tta: none)");
  });

  it("say what is wrong in one line", async () => {
    await writeFile(join(folder, "text.pt"), "not a checkpoint");
    const wrong = await runScript("export-weights.ts", "text.pt", "--name", "x", "--version", "1", "--out", folder);
    expect(wrong).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("neither a PyTorch checkpoint nor safetensors\n"),
    });
    const unknown = await runScript("evaluate.ts", "--data", "fer2013.csv", "--model", "nobody@1");
    expect(unknown).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^evaluate: unknown_model: no model "nobody@1"/),
    });
    for (const [option, value] of [
      ["--tta", "fish"],
      ["--limit", "abc"],
    ] as const) {
      const bad = await runScript("evaluate.ts", "--data", "fer2013.csv", option, value);
      expect(bad).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(option) });
    }
    expect((await runScript("evaluate.ts")).code).toBe(2);
  });
});
