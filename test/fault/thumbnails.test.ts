import { describe, expect, it } from "vitest";
import { readHeader } from "../../src/image/guard.ts";
import { jobFolder } from "../../src/scoring/keys.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { copyScene, runSceneJob, type Scene, type SceneInput, startErasure } from "./erasure-scene.ts";

/** Example faces in a report: asked for, small, gray, whole in the page, and gone with their image. */

const KEY = "in/04.png";
const LISTED: SceneInput = { prefix: "in/" };

async function readPage({ store, rows }: Scene, name = "report.html"): Promise<string> {
  const folder = jobFolder("out/", "job", rows.readState()!.generation);
  return new TextDecoder().decode((await readObject(store, `${folder}${name}`, 1e7))!);
}

const listPictures = (page: string): readonly string[] =>
  [...page.matchAll(/<img src="data:image\/png;base64,([^"]+)"/g)].map(([, text = ""]) => text);

async function eraseImage(scene: Scene): Promise<void> {
  const run = await startErasure(scene, () => false);
  expect(await run.eraser.askErase("faces", { key: KEY, id: null })).toBe("erasing");
  await run.finish(async () => {});
}

describe.each(["single", "dataset"] as const)("example faces (%s)", (layout) => {
  it("are embedded only where the job asks for them", async () => {
    expect(listPictures(await readPage(await runSceneJob(LISTED, { layout })))).toEqual([]);
    const scene = await runSceneJob(LISTED, { layout, thumbnails: true });
    const page = await readPage(scene);
    const pictures = listPictures(page);
    // Twelve pictures were scored, all of them of few labels: at most six of each.
    expect(pictures.length).toBeGreaterThan(5);
    expect(pictures.length).toBeLessThanOrEqual(12);
    for (const picture of pictures) {
      const { format, width, height } = readHeader(new Uint8Array(Buffer.from(picture, "base64")));
      expect({ format, width, height }).toEqual({ format: "png", width: 64, height: 64 });
    }
    // Nothing but the page has them, and the page asks for nothing.
    expect(await readPage(scene, "report.json")).not.toMatch(/base64|example/);
    expect(page).not.toMatch(/src="(?!data:)|href="(?:https?:)?\/\//);
  });

  it("are, once an image is erased, those of a job that never had it", async () => {
    const scene = await copyScene(await runSceneJob(LISTED, { layout, thumbnails: true }));
    const before = listPictures(await readPage(scene));
    await eraseImage(scene);
    const never = await runSceneJob(LISTED, { layout, thumbnails: true, without: KEY });
    const after = listPictures(await readPage(scene));
    expect(after).toEqual(listPictures(await readPage(never)));
    expect(after).not.toEqual(before);
  });

  it("leave out what cannot be read any more, and what has changed", async () => {
    const scene = await copyScene(await runSceneJob(LISTED, { layout, thumbnails: true }));
    const before = listPictures(await readPage(scene));
    await scene.store.delete(["in/00.png"]);
    await scene.store.put("in/01.png", (await readObject(scene.store, "in/02.png", 1e6))!);
    await eraseImage(scene);
    const after = listPictures(await readPage(scene));
    expect(after.length).toBeLessThan(before.length);
    expect(after.length).toBeGreaterThan(0);
  });
});
