/**
 * The rows of a FER2013 file (`emotion,pixels[,Usage]`, 48×48 gray values as decimal text) as inputs: each is the byte range
 * of its pixels. The fields are found by bytes, not by a CSV library, because libraries give no byte positions; no field
 * of this format can contain a comma, a quote or a line break.
 */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { PlanLimits } from "./input-page.ts";
import { computeLineWindow, type Line, readLines } from "../inputs/lines.ts";
import type { PageBuilder } from "./page-builder.ts";
import { parseLabel } from "./parse-entry.ts";
import type { ContainerPosition } from "./plan-cursor.ts";
import { readPieces } from "../inputs/range-reader.ts";

type Columns = NonNullable<ContainerPosition["columns"]>;

const DECODER = new TextDecoder();
const COMMA = 44;
const QUOTE = 34;

interface Field {
  readonly start: number;
  readonly end: number;
}

/**
 * Adds the rows from `position` to the page: id `<object's id>/<line number>`, label from `emotion`, and `Usage` as group `usage`.
 * Returns where the next page continues, or null at the end of the file. Broken rows are issues.
 */
export async function readFerItems(
  store: ObjectStore,
  position: ContainerPosition,
  page: PageBuilder,
  limits: PlanLimits,
): Promise<ContainerPosition | null> {
  const { entry } = position;
  let state: ContainerPosition = position.count === 0 ? { ...position, count: 1 } : position;
  const start = { offset: state.offset, line: state.count, skipping: state.skipping };
  const pieces = readPieces(store, entry, state.offset, computeLineWindow(limits), () => page.readsLeft-- > 0);
  try {
    for await (const line of readLines(pieces, start, limits.maxLineBytes)) {
      if (line.kind === "too_long") report(`the line has more than ${limits.maxLineBytes} bytes`, "line_too_long");
      else if (line.kind === "line" && line.bytes.length > 0) {
        if (state.columns === null) state = { ...state, columns: parseHeader(line.bytes, entry.key) };
        else addRow(line, state.columns);
      }
      state = { ...state, offset: line.next.offset, count: line.next.line, skipping: line.next.skipping };
      if (page.roomLeft() <= 0) break;
    }
  } catch (error) {
    if (!(error instanceof ScoringError) || error.disposition !== "item") throw error;
    page.addIssue({ path: entry.key, line: state.count, code: error.code, message: error.detail });
    return null;
  }
  return state.offset >= entry.size ? null : state;

  function report(message: string, code: string): void {
    page.addIssue({ path: entry.key, line: state.count, code, message });
  }

  function addRow(line: Extract<Line, { kind: "line" }>, columns: Columns): void {
    const fields = splitFields(line.bytes);
    const pixels = fields[columns.pixels];
    if (pixels === undefined || pixels.end === pixels.start) return report("the line has no pixels", "line_invalid");
    const emotion = readField(line.bytes, fields[columns.emotion]);
    const known = emotion === "" ? null : parseLabel(emotion);
    if (known === null && emotion !== "") return report("the emotion must be 0 to 6", "label_unknown");
    // A model of other labels cannot be judged by these.
    const label = known === null ? null : parseLabel(known, limits.labels);
    const usage = readField(line.bytes, fields[columns.usage]);
    const groups = { ...entry.groups, ...(usage === "" ? {} : { usage }) };
    const length = pixels.end - pixels.start;
    page.addItem({
      id: `${entry.id}/${line.line}`,
      key: entry.key,
      size: length,
      etag: entry.etag,
      ...(entry.versionId === undefined ? {} : { versionId: entry.versionId }),
      range: { offset: line.offset + pixels.start, length },
      ...(label === null ? {} : { label }),
      ...(Object.keys(groups).length === 0 ? {} : { groups }),
    });
  }
}

function parseHeader(bytes: Uint8Array, key: string): Columns {
  const names = splitFields(bytes).map((field) => readField(bytes, field).toLowerCase().replace("\ufeff", "").trim());
  const columns = { emotion: names.indexOf("emotion"), pixels: names.indexOf("pixels"), usage: names.indexOf("usage") };
  const twice = Object.keys(columns).find((name) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined)
    throw new ScoringError("input_invalid", `${key} has two columns "${twice}"; keep one of them`);
  if (columns.pixels !== -1) return columns;
  throw new ScoringError("input_invalid", `${key} does not begin with a header row that names a column "pixels"`);
}

/** Byte spans of the fields, without the quotes that some exports put around them. */
function splitFields(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  for (let start = 0; start <= bytes.length;) {
    const comma = bytes.indexOf(COMMA, start);
    const end = comma === -1 ? bytes.length : comma;
    const quoted = end - start >= 2 && bytes[start] === QUOTE && bytes[end - 1] === QUOTE;
    fields.push(quoted ? { start: start + 1, end: end - 1 } : { start, end });
    start = end + 1;
  }
  return fields;
}

function readField(bytes: Uint8Array, field: Field | undefined): string {
  if (field === undefined) return "";
  return DECODER.decode(bytes.subarray(field.start, Math.min(field.end, field.start + 64)));
}
