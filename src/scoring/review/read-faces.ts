/** Every record of an ended job beside its input, in the order of the inputs: from single files, or from the parts of a data set. */

import { ScoringError } from "../../errors.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { InputLists } from "../inputs/job-inputs.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import type { JobState } from "../job/job-state.ts";
import { dataFolder } from "../keys.ts";
import type { Limits } from "../limits.ts";
import { compareItems, openPriorLines, type PriorLines } from "../prior/prior-join.ts";
import type { InputItem } from "../records/input-item.ts";
import { countsAsInput } from "../records/record-groups.ts";
import { parseRecord } from "../records/record-line.ts";
import { readInputs, readLabelLines } from "./label-lines.ts";
import { findTopLabel, probabilityOf, type ScoreRecord } from "../records/records.ts";

/** A scored face with its input. */
export interface ReadFace {
  readonly record: ScoreRecord;
  readonly item: InputItem;
  /** 0-based number of its record. */
  readonly index: number;
  /** Index of the model's label, in label order. */
  readonly label: number;
  /** In label order. */
  readonly probabilities: readonly number[];
  /** True where the run before had another picture under this key, or none. */
  readonly isNew: boolean;
}

/** An ended job. */
export interface ReadJob {
  readonly spec: JobSpec;
  readonly state: Pick<JobState, "generation" | "merge">;
  /** Of the outputs. */
  readonly store: ObjectStore;
  /** The frozen inputs of the run before; `null`: every picture is new. */
  readonly before: InputLists | null;
}

/**
 * The scored faces of a job.
 * @throws ScoringError `conflict` without records as JSONL, `quota_exceeded` for more of them than one request reads, `manifest_lost`
 */
export async function* readFaces(job: ReadJob, limits: Limits): AsyncGenerator<ReadFace> {
  const { spec, store, state } = job;
  const { output, faces } = spec.manifest;
  const labels = labelsOf(spec);
  const lists = { store, folder: dataFolder(output, spec.id, state.generation), merge: state.merge };
  const inputs = readInputs(lists, limits);
  const marker = await openMarker(job.before, limits);
  let item: InputItem | null = null;
  let isNew = true;
  let index = 0;
  for await (const text of readLabelLines({ spec, lists }, limits)) {
    const record = parseRecord(text);
    if (item === null || countsAsInput(record, faces)) {
      do {
        const next: IteratorResult<InputItem> = await inputs.next();
        if (next.done) throw new ScoringError("manifest_lost", "the job's inputs do not hold those of its labels");
        item = next.value;
        isNew = await marker(item);
        // An input whose chunk was lost has no records.
      } while (item.key !== record.key || (item.id !== record.id && item.id !== record.id.replace(/#\d+$/, "")));
    }
    const label = findTopLabel(record);
    if (record.status === "scored" && label !== null && record.probabilities !== null) {
      const probabilities = labels.map((one) => probabilityOf(record, one) ?? 0);
      yield { record, item, index, label: labels.indexOf(label), probabilities, isNew };
    }
    index += 1;
  }
}

/** Says of each input whether the run before had the same picture; inputs come in order. */
async function openMarker(before: InputLists | null, limits: Limits): Promise<(item: InputItem) => Promise<boolean>> {
  const unbounded = { ...limits, plan: { ...limits.plan, maxReads: Number.POSITIVE_INFINITY } };
  const lines: PriorLines | null = before === null ? null : await openPriorLines(before, "start", unbounded);
  return async (item) => {
    if (lines === null) return true;
    let line = await lines.peek();
    while (line !== null && compareItems(line, item) < 0) {
      lines.next();
      line = await lines.peek();
    }
    if (line === null || compareItems(line, item) !== 0) return true;
    lines.next();
    return line.id !== item.id || item.etag === null || line.etag !== item.etag;
  };
}
