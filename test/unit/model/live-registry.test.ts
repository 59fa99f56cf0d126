import { describe, expect, it } from "vitest";
import { createEngineShelf } from "../../../src/backends/engine-shelf.ts";
import { ScoringError } from "../../../src/errors.ts";
import { createLiveRegistry, type ModelListing } from "../../../src/model/live-registry.ts";
import { hashScoring } from "../../../src/model/model.ts";
import { createBundledSource } from "../../../src/model/registry.ts";
import { findStoredModels } from "../../../src/scoring/operations/stored-models.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import { createOracle } from "../../../src/model/oracle.ts";
import { packTinyNet } from "../../contract/tiny-net.ts";

const { card, weights } = await packTinyNet();
const bundled = createBundledSource("shipped@1", { ...card, name: "shipped" }, weights);

function openScene(aliases: Record<string, string> = {}) {
  const store = createMemoryStore();
  const state = { nowMs: 1_000_000, listings: 0, failing: false };
  return Object.assign(state, {
    async put(id: string, changes: object = {}): Promise<void> {
      const [name, version] = id.split("@");
      await store.put(`models/${id}/weights.safetensors`, weights);
      await store.put(
        `models/${id}/card.json`,
        JSON.stringify({ ...card, name, version: Number(version), ...changes }),
      );
    },
    registry: createLiveRegistry([bundled], {
      aliases,
      async list(): Promise<ModelListing> {
        state.listings += 1;
        if (state.failing) throw new ScoringError("store_unavailable", "the store does not answer");
        return findStoredModels(store, "models/", { ...LIMITS, maxListedModels: 3 });
      },
      clock: () => state.nowMs,
      maxAgeMs: 30_000,
      minAgeMs: 2000,
    }),
  });
}

describe("models that lie in a store", () => {
  it("can be used seconds after they came, their newest version within the age of a listing", async () => {
    const scene = openScene({ ours: "mine" });
    const { registry } = scene;
    await expect(registry.card("mine")).rejects.toThrow(/no model "mine"; there are: shipped@1/);
    await scene.put("mine@1");
    await expect(registry.card("mine")).rejects.toThrow("no model");
    expect(scene.listings).toBe(1);
    scene.nowMs += 2000;
    expect((await registry.card("mine")).version).toBe(1);
    expect(registry.resolve("ours")).toBe("mine@1");
    await scene.put("mine@2");
    expect((await registry.card("mine")).version).toBe(1);
    scene.nowMs += 30_000;
    expect((await registry.card("mine")).version).toBe(2);
    expect(registry.list()).toEqual(["mine@2", "mine@1", "shipped@1"]);
    // Who names a shipped model does not wait for the store.
    scene.nowMs += 60_000;
    await registry.load("shipped@1");
    expect(scene.listings).toBe(3);
  });

  it("do not stop others where the store fails", async () => {
    const scene = openScene();
    await scene.put("mine@1");
    await scene.registry.card("mine");
    scene.failing = true;
    scene.nowMs += 60_000;
    expect((await scene.registry.card("mine")).name).toBe("mine");
    expect((await scene.registry.card("shipped")).name).toBe("shipped");
    await expect(scene.registry.card("other")).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("are taken up to a number; a name that is shipped is left out", async () => {
    const scene = openScene();
    for (const id of ["a@1", "b@1", "c@1", "shipped@1", "zoo@1"]) await scene.put(id);
    await scene.registry.refresh();
    expect(scene.registry.list()).toEqual(["a@1", "b@1", "c@1", "shipped@1"]);
    expect(scene.registry.leftOut()).toEqual([
      { id: "shipped@1", detail: "only 3 models are taken" },
      { id: "zoo@1", detail: "only 3 models are taken" },
    ]);
  });
});

describe("engines of models that are replaced", () => {
  it("are those that the job was made for, or none", async () => {
    const scene = openScene();
    await scene.put("mine@1");
    const form = await hashScoring(await scene.registry.card("mine"));
    const open = createEngineShelf(scene.registry, async (model) => createOracle(model));
    const first = await open("fused", { model: "mine@1", modelForm: form });
    // Figures and notices may change: scores do not depend on them.
    await scene.put("mine@1", { notices: ["measured anew"] });
    scene.nowMs += 60_000;
    expect(await hashScoring(await scene.registry.card("mine"))).toBe(form);
    const labels = ["left", "right", "unsure"];
    await scene.put("mine@1", { labels });
    expect(await open("fused", { model: "mine@1", modelForm: form })).toBe(first);
    const changed = await hashScoring({ ...(await scene.registry.card("mine")), labels });
    // Its listing is not old, but the job was made by a process that has seen the new card.
    const second = await open("fused", { model: "mine@1", modelForm: changed });
    expect([first.labels, second.labels]).toEqual([card.labels, labels]);
    const elsewhere = createEngineShelf(scene.registry, async (model) => createOracle(model));
    await expect(elsewhere("fused", { model: "mine@1", modelForm: form })).rejects.toMatchObject({
      code: "model_hash_mismatch",
      detail: expect.stringContaining("mine@1 was replaced since the job was made"),
    });
  });

  it("are put away when others were used after them", async () => {
    const scene = openScene();
    const gone: string[] = [];
    const open = createEngineShelf(scene.registry, async (model, engine) => ({
      ...createOracle(model),
      dispose: () => gone.push(engine),
    }));
    const use = (engine: "fused" | "tfjs") => open(engine, { model: "shipped@1" });
    for (const engine of ["fused", "tfjs", "fused"] as const) await use(engine);
    await open("fused", { model: "shipped" });
    expect(gone).toEqual([]);
    const kept = await use("fused");
    await open("tfjs", { model: "shipped" });
    expect(await use("fused")).toBe(kept);
    expect(gone).toEqual(["tfjs"]);
  });
});
