/** A blob of a JSON header and raw bytes, in which outputs carry their state from one invocation to the next. */

import type { z } from "zod";
import { ScoringError } from "../../errors.ts";

const MAGIC = 0x31534e43; // "CNS1"

/** Header length (4 bytes), header, raw bytes. */
export function packState(header: unknown, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const packed = new Uint8Array(8 + json.length + bytes.length);
  const view = new DataView(packed.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, json.length, true);
  packed.set(json, 8);
  packed.set(bytes, 8 + json.length);
  return packed;
}

/**
 * The parts of a packed blob; `bytes` is a view into it.
 * @throws ScoringError `internal` if it is not one
 */
export function unpackState<T>(packed: Uint8Array, schema: z.ZodType<T>): { header: T; bytes: Uint8Array } {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const end = packed.length < 8 || view.getUint32(0, true) !== MAGIC ? 0 : 8 + view.getUint32(4, true);
  if (end === 0 || end > packed.length) throw new ScoringError("internal", "not a saved output state");
  const header = schema.safeParse(JSON.parse(new TextDecoder().decode(packed.subarray(8, end))));
  if (!header.success) throw new ScoringError("internal", `saved output state: ${header.error.message}`);
  return { header: header.data, bytes: packed.subarray(end) };
}
