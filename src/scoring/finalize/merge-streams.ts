/** Outputs that are written side by side: a piece in, bytes out, state saved between steps. */

import { ScoringError } from "../../errors.ts";
import { readObject } from "../../storage/read-object.ts";
import {
  createMergedOutput,
  type MergedOutput,
  type UploadState,
  type WrittenObject,
} from "../outputs/merged-output.ts";
import { parseStored } from "../stored-json.ts";
import { choosePartBytes } from "../outputs/part-buffer.ts";
import type { FinalizeContext } from "./finalize-context.ts";
import type { FormattedPiece } from "./merge-piece.ts";

/** What makes a piece's share of an output. */
export interface PieceEncoder<Piece = FormattedPiece> {
  encode(piece: Piece): Uint8Array | Promise<Uint8Array>;
  /** The last bytes. */
  finish(): Uint8Array | Promise<Uint8Array>;
  /** What it holds between two pieces; `null` if that is nothing. */
  save(): Uint8Array | null;
}

/** One output before it is opened. */
export interface OutputPlan {
  /** Relative to the job's folder. */
  readonly name: string;
  readonly type: string;
  /** About how many bytes it will have: uploads have a limited number of parts. */
  readonly expectedBytes: number;
  /** What stands before everything else. */
  readonly head?: string;
}

/** An output that is made out of pieces. */
export interface StreamPlan<Piece = FormattedPiece> extends OutputPlan {
  /** @param state of an earlier step */
  readonly open: (state: Uint8Array | undefined) => PieceEncoder<Piece>;
}

/** One output in a checkpoint; the bytes that it holds lie in the store under `buffer` and `encoder`. */
export interface SavedOutput {
  readonly upload: UploadState;
  readonly buffer: string;
  readonly encoder: string | null;
}

/** Outputs in a checkpoint, by name. */
export type SavedOutputs = Readonly<Record<string, SavedOutput>>;

/** Several outputs that take the same pieces. */
export interface OutputStreams<Piece = FormattedPiece> {
  add(piece: Piece): Promise<void>;
  save(name: (output: string) => string): Promise<SavedOutputs>;
  /** Completes all of them, in the order of their plans. */
  finish(): Promise<WrittenObject[]>;
}

type Place = Pick<FinalizeContext, "store" | "folder" | "limits" | "openHash">;

/** The type that an object is stored with: text says how it is encoded. */
const contentType = (type: string): string => (type === "text/csv" ? `${type}; charset=utf-8` : type);

/** Rows that add nothing of their own at the end and hold nothing between pieces. */
export const passRows = (take: (piece: FormattedPiece) => Uint8Array): StreamPlan["open"] => {
  return () => ({ encode: take, finish: () => new Uint8Array(), save: () => null });
};

/** Opens an output, new or where an earlier step left it. */
export async function openOutput(place: Place, plan: OutputPlan, saved: SavedOutputs | null): Promise<MergedOutput> {
  const { store, folder, limits, openHash } = place;
  const held = saved?.[plan.name] ?? null;
  const from = held === null ? null : { upload: held.upload, buffer: await loadCarried(place, held.buffer) };
  const partLimits = { maxParts: limits.maxMultipartParts, maxPartBytes: limits.maxMultipartBytes };
  const fits = plan.expectedBytes <= limits.multipartBytes * limits.maxMultipartParts;
  const partBytes = fits ? limits.multipartBytes : choosePartBytes(plan.expectedBytes, partLimits);
  const hash = openHash === undefined ? {} : { openHash };
  const options = { store, folder, name: plan.name, contentType: contentType(plan.type), partBytes, ...hash };
  const output = createMergedOutput(options, from);
  if (held === null && plan.head !== undefined) await output.append(new TextEncoder().encode(plan.head));
  return output;
}

/** Writes what the output and its encoder hold. */
export async function saveOutput(
  { store }: Pick<Place, "store">,
  output: MergedOutput,
  encoded: Uint8Array | null,
  name: (output: string) => string,
): Promise<SavedOutput> {
  const buffer = name(`${output.name}.buffer`);
  await store.put(buffer, output.saveBuffer());
  const encoder = encoded === null ? null : name(`${output.name}.encoder`);
  if (encoded !== null && encoder !== null) await store.put(encoder, encoded);
  return { upload: output.saveUpload(), buffer, encoder };
}

/** Opens outputs, new or where an earlier step left them. */
export async function openStreams<Piece = FormattedPiece>(
  place: Place,
  plans: readonly StreamPlan<Piece>[],
  saved: SavedOutputs | null,
): Promise<OutputStreams<Piece>> {
  const streams: { readonly output: MergedOutput; readonly encoder: PieceEncoder<Piece> }[] = [];
  for (const plan of plans) {
    const key = saved?.[plan.name]?.encoder ?? null;
    const state = key === null ? undefined : await loadCarried(place, key);
    streams.push({ encoder: plan.open(state), output: await openOutput(place, plan, saved) });
  }
  return {
    async add(piece) {
      for (const { output, encoder } of streams) await output.append(await encoder.encode(piece));
    },
    async save(name) {
      const outputs: Record<string, SavedOutput> = {};
      for (const { output, encoder } of streams) {
        outputs[output.name] = await saveOutput(place, output, encoder.save(), name);
      }
      return outputs;
    },
    async finish() {
      const written: WrittenObject[] = [];
      for (const { output, encoder } of streams) {
        await output.append(await encoder.finish());
        written.push(await output.finish());
      }
      return written;
    },
  };
}

/** The JSON that an earlier step left under this key. @throws ScoringError `internal` if it is gone */
export async function readState<T>(place: Pick<Place, "store" | "limits">, key: string): Promise<T> {
  return parseStored<T>(new TextDecoder().decode(await loadCarried(place, key)));
}

/** The bytes that an earlier step left under this key. @throws ScoringError `internal` if they are gone */
async function loadCarried({ store, limits }: Pick<Place, "store" | "limits">, key: string): Promise<Uint8Array> {
  const bytes = await readObject(store, key, limits.maxCarryBytes);
  if (bytes === null) throw new ScoringError("internal", `${key} is gone`);
  return bytes;
}
