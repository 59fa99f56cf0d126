import { LABELS, type Label } from "../../src/model/labels.ts";
import { parsePart } from "../../src/scoring/records/record-line.ts";

/** Faces by label, of the chunks that are done. */
export type LabelCounts = ReadonlyMap<Label, number>;

/** Counts labels while a job runs. */
export interface LabelTally {
  /** A chunk is done. Never rejects: a part that cannot be read is for the job to find. */
  add(chunkId: string): Promise<void>;
  readonly counts: LabelCounts;
}

/** An empty tally. @param readPart the records of a chunk, as they are stored */
export function createLabelTally(
  readPart: (chunkId: string) => Promise<Uint8Array>,
  labels: readonly Label[] = LABELS,
): LabelTally {
  const counts = new Map<Label, number>(labels.map((label) => [label, 0]));
  return {
    counts,
    async add(chunkId) {
      const part = await readPart(chunkId).catch(() => null);
      for (const { label } of part === null ? [] : parsePart(part)) {
        if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
      }
    },
  };
}
