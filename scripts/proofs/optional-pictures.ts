/** Promises about pictures that optional packages decode, `sharp` and `libheif-js`. */

import { inPart, node, type Mutation } from "./mutation.ts";

/** In the order of docs/proofs.md. */
export const OPTIONAL_PICTURES: readonly Mutation[] = [
  ...inPart("Pictures by optional packages", [
    {
      ...node,
      promise: "a TIFF has the record of the same PNG, whatever its color profile",
      test: "test/unit/image/sharp-node.test.ts",
      name: "a profile that is not sRGB",
      file: "src/image/sharp-node.ts",
      from: "ignoreIcc: true",
      to: "ignoreIcc: false",
    },
    {
      ...node,
      promise: "sharp decodes nothing whose header says more pixels than are decoded",
      test: "test/unit/image/sharp-node.test.ts",
      name: "says 60,000 pixels square",
      file: "src/image/sharp-node.ts",
      from: "guardSize({ ...header, format }, bytes.length, maxSharpPixels, limits);",
      to: "",
    },
    {
      ...node,
      promise: "libheif decodes nothing whose header says more pixels than are decoded",
      test: "test/unit/image/libheif-node.test.ts",
      name: "says 60,000 pixels square",
      file: "src/image/libheif-thread.ts",
      from: 'guardSize({ width, height, format: "heic" }, bytes.length, limits.maxHeifPixels, limits);',
      to: "",
    },
    {
      ...node,
      promise: "a HEIC of which a tile cannot be decoded has no pixels",
      test: "test/unit/image/libheif-node.test.ts",
      name: "of which one tile cannot be decoded",
      file: "src/image/libheif-thread.ts",
      from: "view().setUint8(options + STRICT_DECODING_AT, 1);",
      to: "",
    },
    {
      ...node,
      promise: "a HEIC that takes for ever is given up",
      test: "test/unit/image/libheif-node.test.ts",
      name: "one that takes too long",
      file: "src/image/libheif-node.ts",
      from: "seconds * 1000",
      to: "seconds * 1e8",
    },
    {
      ...node,
      promise: "what a HEIF file holds is told by its brands, not by the first alone",
      test: "test/unit/image/image-robustness.test.ts",
      name: "AVIF by a compatible brand",
      file: "src/image/sniff.ts",
      from: "if (isStructure) for",
      to: "if (false) for",
    },
    {
      ...node,
      promise: "who computes for a server decodes what the server does",
      test: "test/unit/cli/score-sharp.test.ts",
      name: "a scorer of `work`",
      file: "cli/score/node-work.ts",
      from: "  loadOptional?: typeof loadOptionalDecoder,",
      to: "  loadOptional: typeof loadOptionalDecoder = loadOptionalDecoder,",
    },
    {
      ...node,
      promise: "the run lock names what decoded pictures besides the package",
      test: "test/unit/cli/score-sharp.test.ts",
      name: "says so in records and run lock",
      file: "src/scoring/chunk/part.ts",
      from: "...(decoders.length > 0 && { decoders })",
      to: "...{}",
    },
  ]),
];
