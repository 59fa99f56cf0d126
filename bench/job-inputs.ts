/** The same faces as the input of a job, in each of the shapes that a job takes. */

import { packTar } from "modern-tar";
import sharp from "sharp";
import { FACE_BYTES, FACE_SIDE } from "../src/image/preprocess.ts";

/** What is put into the store, and the manifest that names it. */
export interface JobInput {
  readonly kind: string;
  readonly faces: number;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly manifest: Record<string, unknown>;
}

/** `count` faces, those of `faces` in turn: single gray JPEGs of 48², the same in one tar, and rows of FER2013's layout. */
export async function makeJobInputs(faces: Uint8Array, count: number): Promise<readonly JobInput[]> {
  const own = faces.length / FACE_BYTES;
  const faceAt = (i: number): Uint8Array => faces.subarray((i % own) * FACE_BYTES, ((i % own) + 1) * FACE_BYTES);
  const raw = { width: FACE_SIDE, height: FACE_SIDE, channels: 1 } as const;
  const encodeFace = async (i: number): Promise<Uint8Array> =>
    new Uint8Array(await sharp(faceAt(i), { raw }).toColourspace("b-w").jpeg({ quality: 90 }).toBuffer());
  const distinct = await Promise.all(Array.from({ length: Math.min(own, count) }, (_, i) => encodeFace(i)));
  const files = Array.from({ length: count }, (_, i) => ({
    name: `${String(i).padStart(6, "0")}.jpg`,
    body: distinct[i % own]!,
  }));
  const members = files.map(({ name, body }) => ({ header: { name, size: body.length }, body }));
  const rows = Array.from({ length: count }, (_, i) => `0,${faceAt(i).join(" ")},PublicTest\n`);
  const output = { store: "faces", prefix: "out/" };
  return [
    {
      kind: "single objects, JPEG 48² gray",
      faces: count,
      objects: new Map(files.map(({ name, body }) => [`objects/${name}`, body])),
      manifest: { input: { store: "faces", prefix: "objects/" }, output },
    },
    {
      kind: "one tar of the same JPEGs",
      faces: count,
      objects: new Map([["tar/faces.tar", new Uint8Array(await packTar(members))]]),
      manifest: { input: { store: "faces", objects: [{ key: "tar/faces.tar" }] }, format: "tar", output },
    },
    {
      kind: "one CSV of FER2013's layout",
      faces: count,
      objects: new Map([["csv/faces.csv", new TextEncoder().encode(`emotion,pixels,Usage\n${rows.join("")}`)]]),
      manifest: { input: { store: "faces", objects: [{ key: "csv/faces.csv" }] }, format: "fer2013-csv", output },
    },
  ];
}

/** The same object `copies` times, under names of their own. */
export function repeatInput({ faces, objects, manifest }: JobInput, copies: number, kind: string): JobInput {
  const repeated = [...objects].flatMap(([key, bytes]) =>
    Array.from({ length: copies }, (_, copy) => [key.replace("/", `/${copy}-`), bytes] as const),
  );
  const input = { store: "faces", objects: repeated.map(([key]) => ({ key })) };
  return { kind, faces: copies * faces, objects: new Map(repeated), manifest: { ...manifest, input } };
}

/** `count` color JPEGs of 224², the usual face crop: the portraits in turn. */
export async function makeCropInput(portraits: readonly string[], count: number): Promise<JobInput> {
  const distinct = await Promise.all(
    portraits.map(async (path) => new Uint8Array(await sharp(path).resize(224, 224).jpeg({ quality: 85 }).toBuffer())),
  );
  const files = Array.from(
    { length: count },
    (_, i) => [`crops/${String(i).padStart(6, "0")}.jpg`, distinct[i % distinct.length]!] as const,
  );
  return {
    kind: "single objects, JPEG 224² color",
    faces: count,
    objects: new Map(files),
    manifest: { input: { store: "faces", prefix: "crops/" }, output: { store: "faces", prefix: "out/" } },
  };
}
