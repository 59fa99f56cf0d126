import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { parseGoldens, runGolden } from "../golden/images.ts";

const golden = new URL("../golden/", import.meta.url);
const goldens = parseGoldens(JSON.parse(readFileSync(new URL("images.json", golden), "utf8")));
const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);

describe("pixels equal Pillow's", () => {
  test.each(goldens)("$name", async (image) => {
    const { name, ...expected } = image;
    expect(await runGolden(image, readFileSync(new URL(`images/${name}`, golden)), decoder)).toEqual(expected);
  });
});
