import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadCodecs } from "../../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../../src/image/decode.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { parseGoldens, runGolden } from "../../golden/images.ts";

const golden = new URL("../../golden/", import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(name, golden));
const pictures = parseGoldens(JSON.parse(read("images.json").toString()), "picture");
const faces = parseGoldens(JSON.parse(read("faces.json").toString()), "face");
const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);

describe("pixels equal Pillow's", () => {
  test.each(pictures)("$name", async (image) => {
    const { name, aim: _, ...expected } = image;
    expect(await runGolden(image, read(`images/${name}`), decoder)).toEqual(expected);
  });

  test.each(faces)("as a face crop, version 2: $name", async (image) => {
    const { name, aim: _, ...expected } = image;
    expect(await runGolden(image, read(`faces/${name}`), decoder)).toEqual(expected);
  });
});
