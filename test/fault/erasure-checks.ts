/** What must hold of a job's outputs while images are erased from them. */

import { parseRangeName } from "../../src/scoring/keys.ts";
import { digestHex } from "../../src/scoring/sha256.ts";
import { parseStored } from "../../src/scoring/stored-json.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { readObject } from "../../src/storage/read-object.ts";
import { listKeys } from "./erasure-scene.ts";

/** Every `_SUCCESS` and `_FAILED` under the job's folder, with the objects that are not as it says. */
export async function checkGenerations(store: ObjectStore): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  for (const key of await listKeys(store, "out/")) {
    if (!/\/_(SUCCESS|FAILED)$/.test(key)) continue;
    const folder = key.slice(0, key.lastIndexOf("/") + 1);
    const text = new TextDecoder().decode((await readObject(store, key, 1e8))!);
    const { objects } = parseStored<{ objects: { name: string; bytes: number; sha256: string }[] }>(text);
    const wrong: string[] = [];
    for (const { name, bytes, sha256 } of objects) {
      // Files of ranges stay in the job's folder, whatever the generation.
      const place = parseRangeName(name) === null ? folder : folder.replace(/generations\/\d+\/$/, "");
      const body = await readObject(store, `${place}${name}`, 1e8);
      if (body?.length !== bytes || (await digestHex(body)) !== sha256) wrong.push(name);
    }
    found[folder] = wrong;
  }
  return found;
}

/** Keys of objects under the job's folder whose name or bytes hold `text`. */
export async function grepOutputs(store: ObjectStore, text: string): Promise<string[]> {
  const holding: string[] = [];
  for (const key of await listKeys(store, "out/")) {
    const body = Buffer.from((await readObject(store, key, 1e8))!);
    if (key.includes(text) || body.includes(text)) holding.push(key);
  }
  return holding;
}
