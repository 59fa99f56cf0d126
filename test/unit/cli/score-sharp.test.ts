import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import sharp, { type Sharp } from "sharp";
import { expect, it } from "vitest";
import { createScorerSource } from "../../../cli/score/node-work.ts";
import type { RunLock } from "../../../src/scoring/finalize/run-lock.ts";
import { parsePart } from "../../../src/scoring/records/record-line.ts";

const root = join(import.meta.dirname, "../../..");
const telephone = join(root, "test/golden/heic/telephone.heic");
const crop = (): Sharp =>
  sharp(
    Uint8Array.from({ length: 48 * 48 }, (_, at) => 8 * ((at * 7) % 32)),
    { raw: { width: 48, height: 48, channels: 1 } },
  );

it("`score` has optional packages decode what has no decoder here, and says so in records and run lock", async () => {
  const folder = await mkdtemp(join(tmpdir(), "countenance-sharp-"));
  try {
    const [pictures, out] = [join(folder, "in"), join(folder, "out")];
    await mkdir(pictures);
    const tiff = await crop().tiff({ compression: "deflate" }).toBuffer();
    await writeFile(join(pictures, "cut.tif"), tiff.subarray(0, 300));
    await writeFile(join(pictures, "face.gif"), await crop().gif({ dither: 0 }).toBuffer());
    await writeFile(join(pictures, "face.png"), await crop().png().toBuffer());
    await writeFile(join(pictures, "face.tif"), tiff);
    await writeFile(join(pictures, "telephone.HEIC"), await readFile(telephone));
    const words = ["score", pictures, "--faces", "aligned", "--out", out, "--threads", "2", "--quiet"];
    const run = promisify(execFile)(process.execPath, [join(root, "cli/countenance.ts"), ...words]);
    // Completed, with errors.
    await expect(run).rejects.toMatchObject({ code: 3 });
    const [job] = await readdir(out);
    const [cut, gif, png, tif, heic] = parsePart(await readFile(join(out, job!, "labels.jsonl")));
    expect(cut).toMatchObject({ status: "failed", error: { code: "image_corrupt" } });
    expect(png).toMatchObject({ status: "scored" });
    const decoder = `sharp@${sharp.versions.sharp}+libvips@${sharp.versions.vips}`;
    for (const one of [gif!, tif!]) {
      expect(one).toEqual({ ...png, id: one.id, key: one.key, etag: one.etag, decoder });
    }
    const heicDecoder = "libheif-js@1.23.2";
    expect(heic).toMatchObject({ status: "scored", decoder: heicDecoder });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the lock that was just written
    const lock = JSON.parse(await readFile(join(out, job!, "run.lock.json"), "utf8")) as RunLock;
    expect(lock.decoders).toEqual([heicDecoder, decoder]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("a scorer of `work` decodes what a server does, whatever is installed", async () => {
  const { decoder } = await createScorerSource("fused")({ model: "deep-emotion@4", tta: "none", findsFaces: false });
  await expect(decoder.decode(await crop().gif().toBuffer())).rejects.toThrow(
    "score it with `countenance score` where sharp is installed (`npm install sharp`)",
  );
  await expect(decoder.decode(await readFile(telephone))).rejects.toThrow(
    "score it with `countenance score` where libheif-js is installed (`npm install libheif-js`)",
  );
});
