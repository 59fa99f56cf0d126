/** Promises about pictures that `sharp` decodes. */

import { inPart, node, type Mutation } from "./mutation.ts";

/** In the order of docs/proofs.md. */
export const SHARP_PICTURES: readonly Mutation[] = [
  ...inPart("Pictures by sharp", [
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
      promise: "who computes for a server decodes what the server does",
      test: "test/unit/cli/score-sharp.test.ts",
      name: "a scorer of `work`",
      file: "cli/score/node-work.ts",
      from: "  sharp?: typeof loadSharp,",
      to: "  sharp: typeof loadSharp = loadSharp,",
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
