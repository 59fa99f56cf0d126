import { parquetWriteBuffer, type SchemaElement } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { loadCodecs } from "../../src/image/codecs-workerd.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { splitLines, LABELS_START } from "../../src/client/label-reader.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture, readText } from "./api-client.ts";

/** Pictures of records whose input is a part of an object. */

/** A POSIX ustar archive of regular files (IEEE Std 1003.1, pax). */
function makeTar(files: readonly (readonly [string, Uint8Array])[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [name, content] of files) {
    const header = new Uint8Array(512);
    const write = (text: string, at: number) => header.set(new TextEncoder().encode(text), at);
    write(name, 0);
    write("0000644\0", 100);
    write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
    write("00000000000\0", 136);
    write("        0", 148);
    write("ustar\x0000", 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const body = new Uint8Array(Math.ceil(content.length / 512) * 512);
    body.set(content);
    blocks.push(header, body);
  }
  blocks.push(new Uint8Array(1024));
  const tar = new Uint8Array(blocks.reduce((total, block) => total + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    tar.set(block, at);
    at += block.length;
  }
  return tar;
}

async function runJob(format: string, key: string): Promise<JobView> {
  const { body } = await ask<JobView>(ADMIN, "POST", "/v1/jobs", {
    input: { store: "faces", objects: [{ key, id: "box" }] },
    output: { store: "faces", prefix: "out/", formats: ["jsonl"] },
    format,
    faces: "aligned",
  });
  return follow(ADMIN, body.id);
}

/** The records with the addresses of their pictures. */
async function listPictures(job: JobView): Promise<{ id: string; place: string; url: (input: number) => string }[]> {
  const response = await call(ADMIN, `/v1/jobs/${job.id}/outputs/labels.jsonl`);
  const placed = splitLines(new Uint8Array(await response.arrayBuffer()), LABELS_START);
  return placed.map(({ record, offset, length, input }) => {
    const place = `/v1/jobs/${job.id}/images/${encodeURIComponent(record.id)}?at=${offset}&length=${length}`;
    return { id: `${record.id} ${input}`, place, url: (number) => `${place}&input=${number}` };
  });
}

function forge(text: string): string {
  return text.replace('"key":"own/in/a.tar"', '"key":"theirs/a.tar"');
}

describe("pictures inside of containers", () => {
  it("are the members of a shard, byte for byte, and no other member's", async () => {
    const members = ["rgb-128x128.png", "q90-47x49.jpg", "lossy.webp"].map(
      (name) => [name, readPicture(name)] as const,
    );
    await bucket.put("pack/a.tar", makeTar(members));
    const job = await runJob("tar", "pack/a.tar");
    const pictures = await listPictures(job);
    expect(pictures.map(({ id }) => id)).toEqual(members.map(([name], index) => `box/${name} ${index}`));
    const etags = new Set<string | null>();
    for (const [index, picture] of pictures.entries()) {
      const found = await call(ADMIN, picture.url(index));
      expect([found.status, found.headers.get("content-type")]).toEqual([
        200,
        ["image/png", "image/jpeg", "image/webp"][index],
      ]);
      expect(new Uint8Array(await found.arrayBuffer())).toEqual(members[index]?.[1]);
      etags.add(found.headers.get("etag"));
      // Another input's number, one that does not exist, and none.
      expect((await call(ADMIN, picture.url((index + 1) % 3))).status).toBe(404);
      expect((await call(ADMIN, picture.url(3))).status).toBe(404);
      expect((await call(ADMIN, picture.place)).status).toBe(422);
    }
    expect(etags.size).toBe(3);
  });

  it("are a table's pixels as a PNG", async () => {
    const rows = [0, 1].map((row) => Array.from({ length: 2304 }, (_, i) => (i * 7 + row * 50) % 256));
    await bucket.put(
      "pack/fer.csv",
      `emotion,pixels,Usage\n${rows.map((row, i) => `${i},${row.join(" ")},Training\n`).join("")}`,
    );
    const job = await runJob("fer2013-csv", "pack/fer.csv");
    const pictures = await listPictures(job);
    expect(pictures).toHaveLength(2);
    const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
    for (const [index, picture] of pictures.entries()) {
      const found = await call(ADMIN, picture.url(index));
      expect([found.status, found.headers.get("content-type")]).toEqual([200, "image/png"]);
      const { raster } = await decoder.decode(new Uint8Array(await found.arrayBuffer()));
      expect([raster.width, raster.height, raster.channels, [...raster.data]]).toEqual([48, 48, 1, rows[index]]);
    }
  });

  it("are those of a Parquet file, out of its pages", async () => {
    const names = ["rgb-128x128.png", "q90-47x49.jpg", "lossy.webp"];
    const columnData = [
      { name: "image", data: names.map((path) => ({ bytes: readPicture(path), path })) },
      { name: "label", data: ["Happy", null, "Sad"] },
    ];
    const schema: SchemaElement[] = [
      { name: "root", num_children: 2 },
      { name: "image", repetition_type: "OPTIONAL", num_children: 2 },
      { name: "bytes", repetition_type: "OPTIONAL", type: "BYTE_ARRAY" },
      { name: "path", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
      { name: "label", repetition_type: "OPTIONAL", type: "BYTE_ARRAY", converted_type: "UTF8" },
    ];
    await bucket.put("pack/a.parquet", new Uint8Array(parquetWriteBuffer({ columnData, schema, codec: "SNAPPY" })));
    const job = await runJob("parquet", "pack/a.parquet");
    const pictures = await listPictures(job);
    expect(pictures.map(({ id }) => id)).toEqual(names.map((name, index) => `box/${name} ${index}`));
    const etags = new Set<string | null>();
    for (const [index, picture] of pictures.entries()) {
      const found = await call(ADMIN, picture.url(index));
      expect(new Uint8Array(await found.arrayBuffer())).toEqual(readPicture(names[index]!));
      etags.add(found.headers.get("etag"));
    }
    expect(etags.size).toBe(3);
  });

  it("are no way around a key's prefixes: a forged list opens nothing", async () => {
    await bucket.put("theirs/a.tar", makeTar([["x.png", readPicture("rgb-128x128.png")]]));
    await bucket.put("own/in/a.tar", makeTar([["x.png", readPicture("grey-48x48.png")]]));
    const grants = [{ store: "faces", prefix: "own/" }];
    const { key } = await makeKey({ grants });
    const manifest = {
      input: { store: "faces", prefix: "own/in/" },
      output: { store: "faces", prefix: "own/out/", formats: ["jsonl"] },
      format: "tar",
      faces: "aligned",
    };
    const { body, status } = await ask<JobView>(key, "POST", "/v1/jobs", manifest);
    expect(status).toBe(201);
    await follow(key, body.id);
    const read = async (name: string) => readText(await call(key, `/v1/jobs/${body.id}/outputs/${name}`));
    const labels = await read("labels.jsonl");
    const view = (text: string) =>
      call(key, `/v1/jobs/${body.id}/images/own%2Fin%2Fa.tar%2Fx.png?at=0&length=${text.trimEnd().length}&input=0`);
    expect((await view(labels)).status).toBe(200);
    for (const name of ["labels.jsonl", "input.jsonl"]) {
      const honest = await read(name);
      const forged = forge(honest);
      expect(forged).not.toBe(honest);
      await call(key, `/v1/stores/faces/objects/${body.output.prefix}${name}`, { method: "PUT", body: forged });
    }
    expect((await view(forge(labels))).status).toBe(403);
  });
});
