import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../src/errors.ts";
import { parseModelCard, type ModelCard } from "../../../src/model/card.ts";
import { computeSha256, type ModelSource } from "../../../src/model/model.ts";
import { createOracle } from "../../../src/model/oracle.ts";
import {
  createBundledSource,
  createClassifier,
  createReaderSource,
  createRegistry,
  type ModelReader,
} from "../../../src/model/registry.ts";
import { serializeSafetensors } from "../../../src/model/safetensors.ts";
import { drawModel, PUBLISHED_WIDTHS } from "../../contract/classifier-parity.ts";

const model = drawModel(1, PUBLISHED_WIDTHS, [1, 0, 0, 0, 1, 0]);
const weights = serializeSafetensors(model.tensors);
const sha256 = await computeSha256(weights);

function buildCard(id: string, changes: Partial<ModelCard> = {}): ModelCard {
  const [name = "", version] = id.split("@");
  return { ...model.card, name, version: Number(version), sha256, ...changes };
}

function buildSource(id: string, changes: Partial<ModelCard> = {}): ModelSource {
  return createBundledSource(id, buildCard(id, changes), weights);
}

describe("registry", () => {
  const registry = createRegistry(
    [
      buildSource("deep-emotion@2"),
      buildSource("wide@1"),
      buildSource("deep-emotion@10"),
      buildSource("deep-emotion@1"),
    ],
    { default: "deep-emotion", first: "deep-emotion@1" },
  );

  it("lists ids by name, newest first", () => {
    expect(registry.list()).toEqual(["deep-emotion@10", "deep-emotion@2", "deep-emotion@1", "wide@1"]);
  });

  it("resolves ids, bare names to the newest version by number, and aliases", () => {
    expect(
      ["deep-emotion@2", "deep-emotion", "wide", "default", "first"].map((text) => registry.resolve(text)),
    ).toEqual(["deep-emotion@2", "deep-emotion@10", "wide@1", "deep-emotion@10", "deep-emotion@1"]);
  });

  it("names what there is when it knows no such model", () => {
    for (const reference of ["deep-emotion@3", "nobody", "", "__proto__", "constructor", "../secrets"]) {
      expect(() => registry.resolve(reference)).toThrow(ScoringError);
    }
    expect(() => registry.resolve("nobody")).toThrow(/deep-emotion@10, deep-emotion@2, deep-emotion@1, wide@1/);
  });

  it("loads several models side by side, each once", async () => {
    const [first, again, wide] = await Promise.all([
      registry.load("deep-emotion@1"),
      registry.load("first"),
      registry.load("wide"),
    ]);
    expect(first).toBe(again);
    expect(wide.card.name).toBe("wide");
    expect(first.tensors.get("fc2.bias")!.data).toEqual(model.tensors.get("fc2.bias")!.data);
  });

  it("refuses weights of another hash", async () => {
    const changed = weights.slice();
    changed[changed.length - 1]! ^= 1;
    const source = createBundledSource("a@1", buildCard("a@1"), changed);
    await expect(createRegistry([source]).load("a")).rejects.toMatchObject({ code: "model_hash_mismatch" });
  });

  it("refuses a card that calls itself by another name", async () => {
    const source = createBundledSource("a@1", buildCard("a@2"), weights);
    await expect(createRegistry([source]).load("a")).rejects.toMatchObject({ code: "model_invalid" });
  });

  it("refuses weights whose shapes the card denies, naming the tensor and both shapes", async () => {
    const shapes = { ...model.card.shapes, "fc2.bias": [8] };
    await expect(createRegistry([buildSource("a@1", { shapes })]).load("a")).rejects.toThrow(
      /fc2\.bias is \[7\], the card says \[8\]/,
    );
  });

  it("refuses repeated ids, malformed ids and aliases that hide or miss", () => {
    const one = buildSource("a@1");
    expect(() => createRegistry([one, one])).toThrow(/twice/);
    expect(() => createRegistry([{ ...one, id: "a" }])).toThrow(/not a model id/);
    expect(() => createRegistry([{ ...one, id: "../a@1" }])).toThrow(/not a model id/);
    expect(() => createRegistry([one], { a: "a@1" })).toThrow(/hides/);
    expect(() => createRegistry([one], { b: "c" })).toThrow(/names no model/);
  });

  it("tries again after a failed read, and reads a folder by its two names", async () => {
    const files = new Map<string, Uint8Array>([["a@1/weights.safetensors", weights]]);
    const read: string[] = [];
    const reader: ModelReader = {
      read: async (path) => {
        read.push(path);
        return files.get(path) ?? null;
      },
    };
    const folder = createRegistry([createReaderSource(reader, "a@1")]);
    await expect(folder.load("a")).rejects.toMatchObject({ code: "unknown_model" });
    files.set("a@1/card.json", new TextEncoder().encode(JSON.stringify(buildCard("a@1"))));
    expect((await folder.load("a")).card.name).toBe("a");
    expect(read).toEqual(["a@1/card.json", "a@1/card.json", "a@1/weights.safetensors"]);
  });

  it("builds the engine of the model's family, or says that there is none", async () => {
    const loaded = await registry.load("wide");
    const classifier = await createClassifier(loaded, { "deep-emotion": async (m) => createOracle(m) });
    expect([classifier.model, classifier.engine]).toEqual(["wide@1", "oracle"]);
    await expect(createClassifier(loaded, {})).rejects.toMatchObject({ code: "engine_unavailable" });
  });
});

describe("model card", () => {
  const card = buildCard("deep-emotion@1");

  it("is read from text and from a value", () => {
    expect(parseModelCard(JSON.stringify(card))).toEqual(card);
    expect(parseModelCard(card)).toEqual(card);
  });

  const faults: [string, Record<string, unknown>, string][] = [
    ["an unknown field", { color: "red" }, ""],
    ["labels in another order", { labels: [...card.labels].reverse() }, "labels"],
    ["a hash in capitals", { sha256: "A".repeat(64) }, "sha256"],
    ["a temperature of zero", { temperature: 0 }, "temperature"],
    ["version zero", { version: 0 }, "version"],
    ["an unknown family", { family: "resnet" }, "family"],
    ["a name with a slash", { name: "a/b" }, "name"],
  ];
  for (const [what, change, path] of faults) {
    it(`refuses ${what}`, () => {
      let issues: readonly { path: string }[] = [];
      try {
        parseModelCard({ ...card, ...change });
      } catch (error) {
        if (error instanceof ScoringError && error.code === "model_invalid") issues = error.issues;
      }
      expect(issues.map((issue) => issue.path)).toEqual([path]);
    });
  }

  it("refuses a Deep_Emotion card without align_corners, and text that is not JSON", () => {
    expect(() => parseModelCard({ ...card, alignCorners: null })).toThrow(/alignCorners/);
    expect(() => parseModelCard("{")).toThrow(/not JSON/);
  });
});
