/** The label files of one part of a data set, before they are opened. */

import { type LabelFormat, PART_FILES } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { ROW_BYTES } from "../manifest/output-formats.ts";
import { createGzipMembers } from "../outputs/gzip-members.ts";
import { LABEL_ENCODERS } from "../outputs/label-encoders.ts";
import type { FormatOptions, LabelRows } from "./merge-piece.ts";
import type { StreamPlan } from "./merge-streams.ts";

/** @param records of the part, about: the size of row groups follows from it */
export function planPartLabels(
  { groupBy, shape, formats }: Pick<FormatOptions, "groupBy" | "shape" | "formats">,
  { records, nameOf }: { readonly records: number; readonly nameOf: (format: LabelFormat) => string },
  limits: Limits,
): readonly StreamPlan<LabelRows>[] {
  return formats.map((format): StreamPlan<LabelRows> => {
    const encoder = LABEL_ENCODERS[format];
    const plan = { name: nameOf(format), type: PART_FILES[format].type, expectedBytes: records * ROW_BYTES.labels };
    if (encoder.kind === "rows") {
      const head = new TextEncoder().encode(encoder.head(groupBy, shape));
      return { ...plan, open: compressRows(format, head, limits.dataset.gzipBytes) };
    }
    return {
      ...plan,
      open(state) {
        const stream = encoder.open({ groupKeys: groupBy, shape, records, describes: true, limits }, state);
        return { ...stream, encode: ({ piece }) => stream.encode(piece?.records ?? []) };
      },
    };
  });
}

/** A text format, compressed. */
function compressRows(format: LabelFormat, head: Uint8Array, memberBytes: number): StreamPlan<LabelRows>["open"] {
  return (state) => {
    const members = createGzipMembers({ memberBytes, head }, state);
    return { ...members, encode: ({ rows }) => members.append(rows[format] ?? new Uint8Array()) };
  };
}
