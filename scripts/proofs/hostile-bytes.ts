/** Promises about pictures, lists and archives that no well-behaved program wrote. */

import { inPart, node, type Mutation } from "./mutation.ts";

const GOLDENS = "test/unit/image/image-goldens.test.ts";

/** In the order of docs/proofs.md. */
export const HOSTILE_BYTES: readonly Mutation[] = [
  ...inPart("Hostile bytes", [
    {
      ...node,
      promise: "a JPEG with stray bytes between its segments is decoded",
      test: GOLDENS,
      name: "stray-bytes.jpg",
      file: "src/image/jpeg/jpeg.ts",
      from: "  turbo.tjDecompressHeader3(handle, input, bytes.length, sizes, sizes + 4, sizes + 8, sizes + 12);",
      to: "  if (turbo.tjDecompressHeader3(handle, input, bytes.length, sizes, sizes + 4, sizes + 8, sizes + 12) !== 0) refuse();",
    },
    {
      ...node,
      promise: "a JPEG of 4:1:0 is decoded",
      test: GOLDENS,
      name: "410.jpg",
      file: "src/image/jpeg/jpeg.ts",
      from: "  turbo.tjDecompressHeader3(handle, input, bytes.length, sizes, sizes + 4, sizes + 8, sizes + 12);",
      to: "  if (turbo.tjDecompressHeader3(handle, input, bytes.length, sizes, sizes + 4, sizes + 8, sizes + 12) !== 0) refuse();",
    },
    {
      ...node,
      promise: "CMYK ink is inverted, marked by Adobe or not",
      test: GOLDENS,
      name: "cmyk-unmarked.jpg",
      file: "src/image/jpeg/jpeg.ts",
      from: "(255 - pixels[from + i]!) * light",
      to: "pixels[from + i]! * light",
    },
    {
      ...node,
      promise: "a PNG's eXIf turns it, before its data or behind",
      test: GOLDENS,
      name: "orientation-8-behind.png",
      file: "src/image/png/png-header.ts",
      from: "if (type === IDAT) hasData = true;",
      to: "if (type === IDAT) break;",
    },
    {
      ...node,
      promise: "a WebP's EXIF chunk turns it",
      test: GOLDENS,
      name: "orientation-6.webp",
      file: "src/image/webp/webp-header.ts",
      from: "if (picture !== null && !hasExif) break;",
      to: "if (picture !== null) break;",
    },
    {
      ...node,
      promise: "an index past a palette's end has Pillow's grey",
      test: GOLDENS,
      name: "palette-short-4bit.png",
      file: "src/image/png/png-rows.ts",
      from: "table[i] = i / 3;",
      to: "table[i] = 0;",
    },
  ]),
];
