/** Runs in Chromium: one golden picture through the browser's codecs, as numbers that the debugger can carry. */

import { loadCodecs } from "../../../src/image/codecs-browser.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import type { DecodeAim } from "../../../src/image/image-types.ts";
import type { Box } from "../../../src/model/face-finder.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { type GoldenResult, runGolden } from "../../golden/images.ts";

/** {@link GoldenResult} with plain arrays. */
export type PlainResult = Omit<GoldenResult, "faces"> & {
  readonly faces: readonly { readonly box: Box | null; readonly pixels: readonly number[] }[];
};

/** What the test calls. */
export interface ImagePage {
  /** Decodes `/images/<name>` and cuts the faces of `boxes`. */
  run(name: string, aim: DecodeAim, boxes: readonly (Box | null)[]): Promise<PlainResult>;
}

const ready = loadCodecs({ jpeg: "/jpeg-turbo.wasm", webp: "/webp_dec.wasm" });

const page: ImagePage = {
  async run(name, aim, boxes) {
    const response = await fetch(`/images/${encodeURIComponent(name)}`);
    const golden = {
      name,
      aim,
      width: 0,
      height: 0,
      channels: 0,
      sha256: "",
      faces: boxes.map((box) => ({ box, pixels: new Uint8Array() })),
    };
    const decoder = createImageDecoder(await ready, LIMITS.image);
    const result = await runGolden(golden, new Uint8Array(await response.arrayBuffer()), decoder);
    return { ...result, faces: result.faces.map(({ box, pixels }) => ({ box, pixels: [...pixels] })) };
  },
};

Object.assign(globalThis, { images: page });
