import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startTfjsWasmNode } from "../../../src/backends/tfjs-wasm-node.ts";
import { countVectorFunctions } from "../../golden/wasm-code.ts";

const folder = "@tensorflow/tfjs-backend-wasm/wasm-out";

function readBinary(name: string): Promise<Uint8Array> {
  return readFile(createRequire(import.meta.url).resolve(`${folder}/${name}`));
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the wasm binaries of tfjs", () => {
  it("hold vector code if they are called so, and none if not", async () => {
    expect(countVectorFunctions(await readBinary("tfjs-backend-wasm-simd.wasm")).vector).toBeGreaterThan(100);
    const plain = countVectorFunctions(await readBinary("tfjs-backend-wasm.wasm"));
    expect(plain.functions).toBeGreaterThan(500);
    expect(plain.vector).toBe(0);
  });
});

describe("tfjs wasm in Node", () => {
  it("instantiates what it compiled, and that is vector code on one thread", async () => {
    // The real functions run; the spies only tell what they were given.
    const compile = vi.spyOn(WebAssembly, "compile");
    const instantiate = vi.spyOn(WebAssembly, "instantiate");
    const listeners = process.listenerCount("unhandledRejection");
    const proof = await startTfjsWasmNode();
    const bytes = compile.mock.calls[0]?.[0];
    expect(bytes instanceof Uint8Array && countVectorFunctions(bytes).vector).toBeGreaterThan(100);
    expect(await compile.mock.results[0]?.value).toBe(proof.module);
    expect(instantiate.mock.calls.map(([module]) => module)).toEqual([proof.module]);
    expect(proof.threads).toBe(1);
    expect(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT")).toBe(true);
    expect(process.listenerCount("unhandledRejection")).toBe(listeners);
    expect(process.versions.node).toMatch(/^\d/);
  });

  it("starts once, however often it is asked", async () => {
    const instantiate = vi.spyOn(WebAssembly, "instantiate");
    expect(await startTfjsWasmNode()).toBe(await startTfjsWasmNode());
    expect(instantiate).not.toHaveBeenCalled();
  });
});
