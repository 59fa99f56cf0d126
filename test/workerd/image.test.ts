import { describe, expect, test } from "vitest";
import { loadCodecs } from "../../src/image/codecs-workerd.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import faceFile from "../golden/faces.json" with { type: "json" };
import goldenFile from "../golden/images.json" with { type: "json" };
import { decodeBase64, parseGoldens, runGolden } from "../golden/images.ts";

declare global {
  interface ImportMeta {
    /** Vite's, resolved when the test is bundled. */
    glob<T>(pattern: string, options: { query: string; import: string; eager: true }): Record<string, T>;
  }
}

const files = {
  ...import.meta.glob<string>("../golden/images/*", { query: "?inline", import: "default", eager: true }),
  ...import.meta.glob<string>("../golden/faces/*", { query: "?inline", import: "default", eager: true }),
};
const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);

function readGolden(name: string): Uint8Array {
  const url = files[`../golden/${name}`] ?? "";
  return decodeBase64(url.slice(url.indexOf(",") + 1));
}

describe("pixels equal Pillow's inside workerd", () => {
  test.each(parseGoldens(goldenFile, "picture"))("$name", async (image) => {
    const { name, aim: _, ...expected } = image;
    expect(await runGolden(image, readGolden(`images/${name}`), decoder)).toEqual(expected);
  });

  test.each(parseGoldens(faceFile, "face"))("as a face crop, version 2: $name", async (image) => {
    const { name, aim: _, ...expected } = image;
    expect(await runGolden(image, readGolden(`faces/${name}`), decoder)).toEqual(expected);
  });
});

test.each([
  ["heic", "libheif-js"],
  ["avif", "sharp"],
])("%s is refused with the command and the package that read it", async (brand, name) => {
  const bytes = new TextEncoder().encode(`\0\0\0\u0018ftyp${brand}\0\0\0\0mif1${brand}`);
  await expect(decoder.decode(bytes)).rejects.toMatchObject({
    code: "image_unsupported",
    detail: expect.stringContaining(`\`countenance score\` where ${name} is installed (\`npm install ${name}\`)`),
  });
});

test("this is workerd", () => {
  expect(navigator.userAgent).toBe("Cloudflare-Workers");
});
