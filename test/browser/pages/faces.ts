/** Runs in Chromium: the face finder over the served files of its model and engine. */

import { createFaceFinderBrowser } from "../../../src/backends/faces-browser.ts";
import type { FoundFace } from "../../../src/model/face-finder.ts";

/** What the test calls. */
export interface FacesPage {
  /** Faces of `/picture`, RGB bytes of `width` × `height`. */
  find(width: number, height: number): Promise<readonly FoundFace[]>;
}

async function fetchBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}

const page: FacesPage = {
  async find(width, height) {
    const card: unknown = await (await fetch("/card.json")).json();
    const weights = await fetchBytes("/weights.safetensors");
    const addresses = { "graph-wasm-simd": "/graph.wasm", "graph-wasm-relaxed": "/graph-relaxed.wasm" };
    const finder = await createFaceFinderBrowser({ card, weights }, addresses);
    const found = await finder.find({ width, height, channels: 3, data: await fetchBytes("/picture") });
    finder.dispose();
    return found;
  },
};
Object.assign(globalThis, { faces: page });
