import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNodeClassifier } from "../../../src/backends/engines-node.ts";
import { listFolderModels } from "../../../src/backends/models-node.ts";
import { startTfjsWasmNode } from "../../../src/backends/tfjs-wasm-node.ts";
import { runGraphOracle } from "../../../src/model/graph/graph-oracle.ts";
import { importOnnx } from "../../../src/model/import/onnx/import-onnx.ts";
import { LABELS } from "../../../src/model/labels.ts";
import { createRegistry } from "../../../src/model/registry.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { parseRecord } from "../../../src/scoring/records/record-line.ts";
import { encodeNetwork } from "../../../src/model/export/onnx-graph.ts";
import { createDice, NetworkBuilder } from "../../contract/drawn-networks.ts";

const root = join(import.meta.dirname, "../../..");
const human = join(root, "node_modules/@vladmandic/human/models");
const portraits = join(root, "node_modules/tabler-ui/dist/demo/faces/female");
const golden = join(root, "test/golden/onnx");
const SEVEN = LABELS.join(",");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-models-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Few weights, and maps of 64 channels at 224² in batches of 16. */
function encodeWide(): Uint8Array {
  const builder = new NetworkBuilder(createDice(2), [1, 224, 224]);
  const first = builder.draw([8, 1, 3, 3]);
  const map = builder.add({ name: "first", op: "conv", inputs: ["input"], weight: first, padding: "same" });
  const weight = builder.draw([64, 8, 3, 3]);
  builder.add({ name: "wide", op: "conv", inputs: [map], weight, padding: "same" });
  const mean = builder.add({ name: "mean", op: "globalAveragePool", inputs: ["wide"] });
  builder.add({ name: "scores", op: "dense", inputs: [mean], weight: builder.draw([2, 64]) });
  return encodeNetwork(builder.finish(), [224, 224]);
}

/** Runs a command in the folder of this test. */
async function runCli(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const run = promisify(execFile)(process.execPath, [join(root, "cli/countenance.ts"), ...args], { cwd: folder });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

describe("the expression network of another library", () => {
  const file = join(human, "emotion.json");

  it("is imported by command, gives what its own library gives, and scores a folder", async () => {
    const options = ["--name", "human-emotion", "--labels", SEVEN, "--mean", "0.5", "--std", "0.5", "--license", "MIT"];
    const { code, stdout } = await runCli("models", "import", file, ...options);
    expect(code).toBe(0);
    expect(stdout).toContain("operators       13 conv, 5 relu, 2 maxPool, 2 add, globalAveragePool\n");
    expect(stdout).toContain("parameters      205,127\n");
    expect(stdout).toContain("multiply-adds   65,768,288 a face\n");
    expect(stdout).toMatch(/million faces {3}[\d,.]+ CPU minutes here, about \$\d+\.\d+ of Workers CPU/);

    const registry = createRegistry(await listFolderModels(join(folder, "models")));
    const model = await registry.load("human-emotion");
    expect(model.card).toMatchObject({ family: "graph", license: "MIT", input: { size: 64, color: "gray" } });
    const dice = createDice(4);
    const count = 5;
    const pixels = Uint8Array.from({ length: count * 64 * 64 }, () => dice.roll(256));
    const classifier = await createNodeClassifier(model, "fused");
    const { probabilities } = await classifier.classify(pixels, count);
    classifier.dispose();

    await startTfjsWasmNode();
    await tf.setBackend("wasm");
    const json = JSON.parse(await readFile(file, "utf8"));
    const weights = new Uint8Array(await readFile(join(human, "emotion.bin")));
    const weightSpecs = json.weightsManifest.flatMap((group: { weights: unknown[] }) => group.weights);
    const theirs = await loadGraphModel({
      load: async () => ({ modelTopology: json.modelTopology, weightSpecs, weightData: weights.buffer }),
    });
    // As the library does it: gray between 0 and 1, less one half, times two.
    const faces = tf.tensor4d(
      Float32Array.from(pixels, (byte) => (byte / 255 - 0.5) * 2),
      [count, 64, 64, 1],
    );
    const expected = theirs.execute(faces);
    if (Array.isArray(expected)) throw new TypeError("the network has one output");
    const data = await expected.data();
    expect(data).toHaveLength(count * 7);
    for (const [i, value] of data.entries()) expect(Math.abs(value - probabilities[i]!)).toBeLessThan(1e-4);
    theirs.dispose();

    await mkdir(join(folder, "faces"));
    for (const name of ["1.jpg", "2.jpg"]) await cp(join(portraits, name), join(folder, "faces", name));
    const scored = await runCli("score", "faces", "--model", "human-emotion", "--formats", "jsonl", "--threads", "1");
    expect(scored.stdout).toContain("2 images: 2 scored.");
    expect(scored.stdout).toContain("human-emotion@1 on graph-wasm");
    const [job] = await readdir(join(folder, "countenance-out"));
    const lines = await readFile(join(folder, "countenance-out", job!, "labels.jsonl"), "utf8");
    const records = lines.trim().split("\n").map(parseRecord);
    expect(records.map(({ model: id, status }) => `${id} ${status}`)).toEqual(Array(2).fill("human-emotion@1 scored"));
  });

  it("goes out as an ONNX file that comes back as the same network", async () => {
    const { code, stdout } = await runCli("models", "export", "human-emotion", "--onnx", "out.onnx");
    expect(code).toBe(0);
    expect(stdout).toContain("pixels         uint8 [N, 1, 64, 64], gray");
    const bytes = new Uint8Array(await readFile(join(folder, "out.onnx")));
    const again = importOnnx(bytes, {}, LIMITS.modelImport).network;
    const model = await createRegistry(await listFolderModels(join(folder, "models"))).load("human-emotion");
    const levels = Float64Array.from({ length: 64 * 64 }, (_, i) => (i * 37) % 256);
    const shape = [1, 64, 64] as const;
    const own = runGraphOracle(
      { graph: model.card.graph!, weights: model.tensors },
      { shape, data: levels.map((byte) => (byte / 255 - 0.5) * 2) },
    );
    const theirs = runGraphOracle(again, { shape, data: levels });
    const expected = [...own.get("logits")!.data];
    [...theirs.get("logits")!.data].forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 4));
  });
});

describe("countenance models import", () => {
  it("takes any labels, and color", async () => {
    const labels = "calm,curious,bored,amused,tired,alert,lost";
    const { stdout } = await runCli(
      "models",
      "import",
      join(golden, "mobile-17.onnx"),
      "--name",
      "mobile",
      "--labels",
      labels,
    );
    expect(stdout).toContain("input           32 × 32 rgb, (byte ÷ 255 − 0 0 0) ÷ 1 1 1");
    const card = await createRegistry(await listFolderModels(join(folder, "models"))).card("mobile@1");
    expect(card.labels).toEqual(labels.split(","));
  });

  it("measures the model on labeled pictures, and writes the figures into its card", async () => {
    const pictures = join(folder, "pictures");
    await mkdir(pictures);
    for (const name of ["3.jpg", "4.jpg", "5.jpg"]) await cp(join(portraits, name), join(pictures, name));
    const options = ["--faces", "aligned", "--formats", "jsonl", "--threads", "1", "--out", "aligned"];
    expect((await runCli("score", "pictures", "--model", "mobile@1", ...options)).code).toBe(0);
    const [job] = await readdir(join(folder, "aligned"));
    const lines = await readFile(join(folder, "aligned", job!, "labels.jsonl"), "utf8");
    const said = lines.trim().split("\n").map(parseRecord);
    const { labels } = await createRegistry(await listFolderModels(join(folder, "models"))).card("mobile@1");
    // The first picture gets another label than the model's: two of three are right.
    const truth = said.map(({ label }, at) => labels[(labels.indexOf(label!) + (at === 0 ? 1 : 0)) % labels.length]!);
    for (const [at, name] of ["3.jpg", "4.jpg", "5.jpg"].entries()) {
      await cp(join(portraits, name), join(folder, "labeled", truth[at]!, name));
    }
    await writeFile(join(folder, "labeled", truth[1]!, "z.txt"), "no picture");
    await mkdir(join(folder, "labeled", "unheard of"));
    const file = join(golden, "mobile-17.onnx");
    const asked = ["--name", "mobile", "--labels", labels.join(","), "--evaluate", "labeled"];
    const { code, stdout } = await runCli("models", "import", file, ...asked);
    expect(code).toBe(0);
    expect(stdout).toContain("accuracy        66.7\u00a0% (20.8–93.9\u00a0%) on labeled, 3 faces");
    expect(stdout).toContain("1 files that could not be read:\n");
    expect(stdout).toContain("folders that name no label: unheard of\n");
    const [evaluation, ...more] = (
      await createRegistry(await listFolderModels(join(folder, "models"))).card("mobile@1")
    ).evaluations;
    expect(more).toEqual([]);
    expect(evaluation).toMatchObject({
      dataset: "labeled",
      tta: "none",
      faces: 3,
      accuracy: 0.666667,
      ece: { after: null },
    });
    const expected = labels.map((row) =>
      labels.map((column) => said.filter(({ label }, at) => truth[at] === row && label === column).length),
    );
    expect(evaluation?.confusion).toEqual(expected);
  });

  it("keeps a version's weights forever", async () => {
    const options = ["--name", "mobile", "--labels", "a,b,c,d,e,f,g"];
    const { code, stderr } = await runCli("models", "import", join(golden, "plain-11.onnx"), ...options);
    expect(code).toBe(2);
    expect(stderr).toContain("holds other weights: take the next --version");
    const next = await runCli("models", "import", join(golden, "plain-11.onnx"), ...options, "--version", "2");
    expect(next.stdout).toContain("mobile@2: card.json and weights.safetensors");
  });

  const file = join(golden, "plain-11.onnx");
  const wrong: [what: string, args: string[], message: string][] = [
    ["too few labels", [file, "--name", "x", "--labels", "a,b"], "its output logits has 7 values, its card 2 labels"],
    ["a name with spaces", [file, "--name", "My Net", "--labels", SEVEN], "the model card: name: "],
    ["a size that is another", [file, "--name", "x", "--labels", SEVEN, "--size", "64"], "has 48 rows, not 64"],
    [
      "a mean that is none",
      [file, "--name", "x", "--labels", SEVEN, "--mean", "half"],
      '--mean: "half" is not a number',
    ],
    [
      "no data to measure it on",
      [file, "--name", "x", "--labels", SEVEN, "--evaluate", "nowhere"],
      "nowhere does not exist",
    ],
    [
      "a network that no isolate holds",
      ["wide.onnx", "--name", "x", "--labels", "a,b"],
      "x@1 takes 197 MiB while it scores, more than the 96 that an isolate has for it",
    ],
    ["no such file", ["none.onnx", "--name", "x", "--labels", SEVEN], "none.onnx: no such file"],
    ["a file that is none", ["text.onnx", "--name", "x", "--labels", SEVEN], "ONNX file: "],
    [
      "a color of other channels",
      [file, "--name", "x", "--labels", SEVEN, "--color", "rgb"],
      "the network takes 1 channels",
    ],
  ];
  it("refuses what it cannot take, and writes nothing", async () => {
    await writeFile(join(folder, "text.onnx"), "hello, this is a text");
    await writeFile(join(folder, "wide.onnx"), encodeWide());
    const runs = await Promise.all(wrong.map(([, args]) => runCli("models", "import", ...args)));
    for (const [i, { code, stderr, stdout }] of runs.entries()) {
      const [what, , message] = wrong[i]!;
      expect({
        what,
        fails: code !== 0,
        stdout,
        says: stderr.includes(message),
        stack: stderr.includes("    at "),
      }).toEqual({
        what,
        fails: true,
        stdout: "",
        says: true,
        stack: false,
      });
    }
    expect(await readdir(join(folder, "models"))).not.toContain("x@1");
  });

  it("leaves countenance models what it was: the models of a server", async () => {
    expect((await runCli("models", "--jsn")).stderr).toContain("there is no option --jsn (did you mean --json?)");
    expect((await runCli("models", "--url", "http://127.0.0.1:1")).stderr).toContain("there is no API key");
  });
});
