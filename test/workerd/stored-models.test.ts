import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import card from "../../models/deep-emotion@2/card.json" with { type: "json" };
import weights from "../../models/deep-emotion@2/weights.safetensors";
import { listBundledModels } from "../../src/backends/models-workerd.ts";
import { createRegistry } from "../../src/model/registry.ts";
import { listStoredModels } from "../../src/scoring/operations/stored-models.ts";
import { createR2Store } from "../../src/storage/r2/r2-store.ts";
import type { R2BucketLike } from "../../src/storage/r2/r2-types.ts";

const { FACES } = env as { FACES: R2BucketLike };

describe("models in a bucket", () => {
  it("stand beside the bundled ones, by id, name and alias", async () => {
    const store = createR2Store(FACES);
    await store.put("models/mine@3/card.json", JSON.stringify({ ...card, name: "mine", version: 3 }));
    await store.put("models/mine@3/weights.safetensors", new Uint8Array(weights));
    const stored = listStoredModels(store, "models/", ["mine@3"], 1_000_000);
    const registry = createRegistry([...listBundledModels(), ...stored], { ours: "mine" });
    expect(registry.resolve("ours")).toBe("mine@3");
    expect((await registry.load("mine")).card.sha256).toBe(card.sha256);
    expect(registry.list()).toContain("deep-emotion@2");
  });

  it("are refused if the weights are not those of the card", async () => {
    const store = createR2Store(FACES);
    const damaged = new Uint8Array(weights).slice();
    damaged[damaged.length - 1]! ^= 1;
    await store.put("models/bad@1/card.json", JSON.stringify({ ...card, name: "bad", version: 1 }));
    await store.put("models/bad@1/weights.safetensors", damaged);
    const registry = createRegistry(listStoredModels(store, "models/", ["bad@1"], 1_000_000));
    await expect(registry.load("bad")).rejects.toMatchObject({ code: "model_hash_mismatch" });
  });
});
