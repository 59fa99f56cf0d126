/** Request bodies, bounded before they are parsed. */

import { concatUint8Arrays } from "uint8array-extras";
import type { z } from "zod";
import { ScoringError } from "../errors.ts";
import { toIssue } from "../scoring/manifest/manifest.ts";
import { findJsonError } from "../json-error.ts";

/** The whole body. @throws ScoringError `payload_too_large` */
export async function readBoundedBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > maxBytes) throw new ScoringError("payload_too_large", `at most ${maxBytes} bytes`);
  const chunks: Uint8Array[] = [];
  let total = 0;
  for await (const chunk of request.body ?? []) {
    const bytes = chunk as Uint8Array;
    total += bytes.length;
    if (total > maxBytes) throw new ScoringError("payload_too_large", `at most ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return concatUint8Arrays(chunks, total);
}

/** @throws ScoringError `invalid_json` with the line, `payload_too_large` */
export async function readJsonBody(request: Request, maxBytes: number): Promise<unknown> {
  return parseJson(await readBoundedBody(request, maxBytes));
}

/** @throws ScoringError `invalid_json` with the line */
export function parseJson(bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const line = text.slice(0, findJsonError(text)).split("\n").length;
    const issue = { path: "", line, code: "invalid_json", message: "not JSON from here on" };
    throw new ScoringError("invalid_json", `the body is not JSON (line ${line})`, { cause, issues: [issue] });
  }
}

/** The body in its schema's form. @throws ScoringError `validation_failed` with all findings */
export function parseBody<T>(shape: z.ZodType<T>, body: unknown): T {
  const parsed = shape.safeParse(body, { reportInput: false });
  if (parsed.success) return parsed.data;
  throw new ScoringError("validation_failed", "the body is not valid", { issues: parsed.error.issues.map(toIssue) });
}
