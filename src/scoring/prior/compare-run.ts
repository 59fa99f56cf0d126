/** Compares a schedule's run with the previous one and with its baseline, folded piece by piece while the outputs are merged. */

import type { InputItem } from "../records/input-item.ts";
import { type JobSpec, labelsOf } from "../job/job-spec.ts";
import { jobFolder, OUTPUT_NAMES } from "../keys.ts";
import { groupByInput } from "../records/record-groups.ts";
import type { ScoreRecord } from "../records/records.ts";
import { compareRuns, type DriftReport, type InputChanges } from "../statistics/drift.ts";
import { emptyFlips, type FlipSummary, mergeFlips, type RecordPair, summarizeFlips } from "../statistics/flips.ts";
import { parseStored } from "../stored-json.ts";
import { type ChunkSummary, namesOf } from "../fold/summary.ts";
import { findBefore, isCarried, listChanges, MODEL_CHANGES, readPriorRecords } from "./carry.ts";
import { openPriorRun, type PriorRunDeps, readIfAllowed } from "./prior-run.ts";

/** What the fold holds between two steps; plain JSON. */
export interface ComparisonState {
  readonly flips: FlipSummary;
  readonly inputs: Omit<InputChanges, "vanished">;
}

/** What the report says about other runs. */
export interface RunDrift {
  readonly drift: DriftReport | null;
  readonly baseline: DriftReport | null;
}

/** A run being compared. */
export interface Comparison {
  /** Whether there is a run to compare with. */
  readonly isOpen: boolean;
  add(piece: { readonly items: readonly InputItem[]; readonly records: readonly ScoreRecord[] }): Promise<void>;
  /** Subrequests that it took in this step. */
  calls(): number;
  save(): ComparisonState;
  finish(summary: ChunkSummary): Promise<RunDrift>;
}

const NO_CHANGES: ComparisonState["inputs"] = { carried: 0, scoredAgain: 0, appeared: 0 };

/** Opens the comparison of a job, new or where an earlier step left it; a job without a schedule has nothing to compare. */
export async function openComparison(
  deps: PriorRunDeps,
  spec: JobSpec,
  saved: ComparisonState | null,
): Promise<Comparison> {
  const found = await openPriorRun(deps, spec);
  const labels = labelsOf(spec);
  // Runs of two label sets have nothing in common.
  const prior = found !== null && labelsOf(found.spec).join() === labels.join() ? found : null;
  const changes = prior === null ? [] : listChanges(spec, prior.spec);
  let { flips, inputs } = saved ?? { flips: emptyFlips(undefined, labels.length), inputs: NO_CHANGES };
  return {
    isOpen: prior !== null,
    async add({ items, records }) {
      if (prior === null) return;
      const before = await readPriorRecords(prior, items);
      const comparable = changes.length === 0;
      const after = groupByInput(records, spec.manifest.faces);
      const pairs: RecordPair[] = [];
      const counts = { ...inputs };
      for (const [at, item] of items.entries()) {
        const [was, is] = [findBefore(item, before) ?? [], after[at] ?? []];
        pairs.push(...pairRecords(was, is));
        if (item.prior === undefined) counts.appeared += 1;
        else if (comparable && isCarried(item, was) && is[0]?.status === was[0]?.status) counts.carried += 1;
        else counts.scoredAgain += 1;
      }
      inputs = counts;
      flips = mergeFlips(flips, summarizeFlips(pairs, undefined, labels));
    },
    calls: () => prior?.calls() ?? 0,
    save: () => ({ flips, inputs }),
    async finish(summary) {
      const { previousJobId = null, baselineJobId = null } = spec.schedule ?? {};
      const before = prior === null ? null : await readOther(deps, prior.spec.id);
      const drift = (): DriftReport | null => {
        if (prior === null || before === null) return null;
        const vanished = Math.max(0, prior.listed - inputs.carried - inputs.scoredAgain);
        return compareRuns(before.summary, summary, {
          against: { name: "the last run", jobId: prior.spec.id },
          ...describeChanges(changes),
          flips: { ...flips, vanished },
          inputs: { ...inputs, vanished },
        });
      };
      // The previous run is already compared.
      const chosen = baselineJobId === null || baselineJobId === previousJobId ? null : baselineJobId;
      const base = chosen === null ? null : await readOther(deps, chosen);
      return {
        drift: drift(),
        baseline:
          base === null || chosen === null || namesOf(base.summary).join() !== labels.join()
            ? null
            : compareRuns(base.summary, summary, {
                against: { name: "the baseline", jobId: chosen },
                ...describeChanges(listChanges(spec, base.spec)),
              }),
      };
    },
  };
}

/** Two parts of one comparison together. */
export function mergeComparisons(a: ComparisonState, b: ComparisonState): ComparisonState {
  return {
    flips: mergeFlips(a.flips, b.flips),
    inputs: {
      carried: a.inputs.carried + b.inputs.carried,
      scoredAgain: a.inputs.scoredAgain + b.inputs.scoredAgain,
      appeared: a.inputs.appeared + b.inputs.appeared,
    },
  };
}

/** The records of one input in two runs; faces of a picture by their number. */
function pairRecords(before: readonly ScoreRecord[], after: readonly ScoreRecord[]): readonly RecordPair[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, face) => [
    before[face] ?? null,
    after[face] ?? null,
  ]);
}

function describeChanges(changes: readonly string[]) {
  return { changes, isOtherModel: changes.some((change) => MODEL_CHANGES.has(change)) };
}

/** Another run of the schedule, and the fold that it left; `null` where that is gone. */
async function readOther(
  deps: PriorRunDeps,
  jobId: string,
): Promise<{ readonly spec: JobSpec; readonly summary: ChunkSummary } | null> {
  const known = await deps.openJob(jobId).read();
  if (known === null) return null;
  const { output } = known.spec.manifest;
  const key = `${jobFolder(output.prefix, jobId, known.state.generation)}${OUTPUT_NAMES.summary}`;
  const bytes = await readIfAllowed(deps.openStore(output.store), key, deps.limits.maxPartBytes);
  if (bytes === null) return null;
  return { spec: known.spec, summary: parseStored<ChunkSummary>(new TextDecoder().decode(bytes)) };
}
