import { describe, expect, it, vi } from "vitest";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import type { ReaderFace, ReviewPlan, ReviewView } from "../../src/scoring/review/review-desk.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, type MadeKey, readPicture } from "./api-client.ts";

/** A review over the API in the real runtime: by readers who see the drawn pictures and nothing else, of single files and of data sets. */

vi.setConfig({ testTimeout: 400_000 });

const NAMES = ["420-351x203.jpg", "grey-48x48.png", "rgb-128x128.png", "lossy.webp", "palette.png", "q90-47x49.jpg"];

interface Faces {
  readonly labels: readonly string[];
  readonly faces: readonly ReaderFace[];
}

async function runJob(key: string, prefix: string, layout: "single" | "dataset"): Promise<JobView> {
  for (const name of NAMES) await bucket.put(`${prefix}in/${name}`, readPicture(name));
  const { body } = await ask<JobView>(key, "POST", "/v1/jobs", {
    input: { store: "faces", prefix: `${prefix}in/` },
    output: { store: "faces", prefix: `${prefix}out/`, layout },
    faces: "aligned",
    limits: { chunkSize: 2 },
  });
  return follow(key, body.id);
}

const readFaces = async ({ key }: MadeKey, id: string): Promise<Faces> =>
  (await ask<Faces>(key, "GET", `/v1/jobs/${id}/reviews/faces`)).body;

const answer = (reader: MadeKey, id: string, label: string, faces: readonly ReaderFace[]) =>
  ask(reader.key, "POST", `/v1/jobs/${id}/reviews/answers`, {
    answers: faces.map(({ at }) => ({ at, label, seconds: 1.5 })),
  });

describe.each(["single", "dataset"] as const)("a review (%s)", (layout) => {
  it("is drawn, read blind by two keys that see nothing else, gives figures, and forgets an erased image", async () => {
    const owner = await makeKey();
    const [anna, ben] = [await makeKey({ scopes: ["reviews:write"] }), await makeKey({ scopes: ["reviews:write"] })];
    const stranger = await makeKey({ scopes: ["reviews:write", "jobs:read"] });
    const { id } = await runJob(owner.key, `review-${layout}/`, layout);
    const path = `/v1/jobs/${id}/reviews`;
    const drawn = await ask<ReviewPlan>(owner.key, "POST", path, { size: 20, readers: [anna.id, ben.id] });
    expect(drawn).toMatchObject({ status: 201, body: { size: 6, population: 6 } });

    // Each face opens as the picture that was scored.
    const { faces, labels } = await readFaces(anna, id);
    expect(faces.map(({ answer: said }) => said)).toEqual(Array.from({ length: 6 }, () => null));
    const pictures = await Promise.all(
      faces.map(async ({ at }) => {
        const response = await call(anna.key, `${path}/pictures/${at}`);
        return [response.status, new Uint8Array(await response.arrayBuffer()).length];
      }),
    );
    const sizes = NAMES.map((name) => [200, readPicture(name).length]);
    expect(pictures.toSorted(([, a], [, b]) => a! - b!)).toEqual(sizes.toSorted(([, a], [, b]) => a! - b!));

    // The scope opens these faces, and no more of this job or of any other.
    const closed = ["", "/report", "/labels", "/records?from=0", "/outputs", "/reviews", "/reviews/lines", "/events"];
    const refused: string[] = [];
    for (const url of [...closed.map((more) => `/v1/jobs/${id}${more}`), "/v1/jobs", "/v1/schedules"])
      if ((await call(anna.key, url)).status === 403) refused.push(url);
    expect(refused).toHaveLength(closed.length + 2);
    expect((await call(anna.key, `${path}/pictures/6`)).status).toBe(404);
    for (const more of ["faces", "pictures/0"]) expect((await call(stranger.key, `${path}/${more}`)).status).toBe(404);
    expect((await answer(stranger, id, labels[0]!, faces)).status).toBe(404);

    // Two readers do not see each other's answers.
    expect((await answer(anna, id, labels[3]!, faces)).status).toBe(204);
    expect((await readFaces(ben, id)).faces.every(({ answer: said }) => said === null)).toBe(true);
    await answer(ben, id, labels[3]!, faces.slice(1));
    await answer(ben, id, "cannot say", faces.slice(0, 1));
    await answer(ben, id, labels[6]!, faces.slice(1, 2));
    const { figures } = (await ask<ReviewView>(owner.key, "GET", path)).body;
    expect(figures).toMatchObject({ drawn: 6, seen: 6, answered: 6, missing: 0, total: { faces: 6 } });
    expect(figures.readers.map(({ reader }) => reader).toSorted()).toEqual([anna.id, ben.id].toSorted());
    expect(figures.agreement!.alpha!.units).toBe(5);

    // Erased with its image: the face, its picture and what was said of it.
    const lines = await (await call(owner.key, `${path}/lines`)).text();
    const { key: image, at } = JSON.parse(lines.split("\n")[0]!) as { key: string; at: number };
    await ask(ADMIN, "DELETE", `/v1/records?store=faces&key=${encodeURIComponent(image)}`);
    await vi.waitUntil(
      async () => (await ask<JobView>(owner.key, "GET", `/v1/jobs/${id}`)).body.erasure?.status === "done",
      { timeout: 60_000, interval: 50 },
    );
    expect((await call(anna.key, `${path}/pictures/${at}`)).status).toBe(404);
    expect((await readFaces(anna, id)).faces).toHaveLength(5);
    expect(await (await call(owner.key, `${path}/lines`)).text()).not.toContain(image);
    const kept = (await bucket.list({ prefix: `review-${layout}/out/${id}/reviews/` })).objects;
    expect(kept).toHaveLength(2);
    const found = await Promise.all(kept.map(({ key }) => bucket.read(key, { maxBytes: 1e7 })));
    const texts = found.map((one) => (one.kind === "found" ? new TextDecoder().decode(one.bytes) : image));
    expect(texts.filter((text) => text.includes(image))).toEqual([]);
    expect((await ask<ReviewView>(owner.key, "GET", path)).body.figures).toMatchObject({ drawn: 5, seen: 5 });
    // The rest can be drawn anew, from what the erasure has left.
    expect((await ask(owner.key, "DELETE", path)).status).toBe(204);
    expect((await ask<ReviewPlan>(owner.key, "POST", path, { size: 20 })).body).toMatchObject({ size: 5 });
  });
});
