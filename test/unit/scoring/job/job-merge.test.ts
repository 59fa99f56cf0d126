import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { advanceJob, createJob } from "../../../../src/scoring/job/job-machine.ts";
import type { JobEvent } from "../../../../src/scoring/job/job-event.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import { makeRules } from "../../../../src/scoring/job/job-rules.ts";
import { cutRanges, findSpan } from "../../../../src/scoring/job/merge-range.ts";
import type { RangeRow } from "../../../../src/scoring/job/range-row.ts";
import { createRandom } from "../../../fault/fault-store.ts";
import { makeLaidOutSpec, SMALL } from "../../../fault/scene.ts";

describe("ranges of a data set", () => {
  it("cover every input once, in order, with about as many records each as asked for", () => {
    const counts = fc.record({ inputs: fc.nat(1e9), perInput: fc.double({ min: 0, max: 40, noNaN: true }) });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 3e6 }), ({ inputs, perInput }, partRows) => {
        const records = Math.max(inputs, Math.floor(inputs * perInput));
        const cut = cutRanges(inputs, records, partRows);
        expect(cut.inputs).toBeGreaterThan(0);
        // No more records than asked for, on average, unless a single input has more.
        const perRange = cut.inputs === 1 || inputs === 0 ? 0 : (cut.inputs * records) / inputs;
        expect(perRange).toBeLessThanOrEqual(partRows * 1.000001);
        const spans = [0, 1, cut.total - 2, cut.total - 1].filter((number) => number >= 0 && number < cut.total);
        for (const number of spans) {
          const { first, end } = findSpan(cut, number);
          // Only the one range of a job without inputs is empty.
          expect(end).toBeGreaterThanOrEqual(first + Math.min(1, inputs));
          expect(first).toBe(number === 0 ? 0 : findSpan(cut, number - 1).end);
        }
        expect(cut.total).toBeGreaterThan(0);
        expect(findSpan(cut, cut.total - 1).end).toBe(inputs);
      }),
    );
  });
});

/** A machine with its range rows, and every message that it sent. */
function openMachine(inputs: number, maxConcurrency: number) {
  const spec = makeLaidOutSpec("dataset", { limits: { maxConcurrency } });
  const rules = { ...makeRules(spec, SMALL), partRows: 1 };
  const created = createJob("job", rules, 0).state;
  let state: JobState = { ...created, status: "running", listed: inputs, plan: { ...created.plan, status: "done" } };
  const ranges = new Map<number, RangeRow>();
  const sent: { range: number; step: number }[] = [];
  let most = 0;
  const send = (event: JobEvent): boolean => {
    const next = advanceJob(state, event);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.kind === "put-range") ranges.set(effect.range.number, effect.range);
      if (effect.kind === "send-range") sent.push({ range: effect.range, step: effect.step });
    }
    most = Math.max(most, next.effects.length);
    const { begun = 0, done = 0 } = state.merge ?? {};
    expect(begun - done).toBeLessThanOrEqual(maxConcurrency);
    return next.accepted;
  };
  return { send, ranges, sent, state: () => state, most: () => most };
}

describe("merging a data set", () => {
  it("finishes each range once, however messages are doubled, late or lost, and joins when all are done", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer(),
        (inputs, maxConcurrency, seed) => {
          const random = createRandom(seed);
          const draw = (below: number): number => Math.floor(random() * below);
          const machine = openMachine(inputs, maxConcurrency);
          let nowMs = 1;
          machine.send({ kind: "cancel", nowMs });
          let twice = 0;
          const finished = new Map<number, number>();
          const joins = () => machine.state().finalize.status !== "waiting";
          for (let turn = 0; turn < 5000 && !joins(); turn++) {
            const message = machine.sent[draw(Math.max(1, machine.sent.length))];
            const row = message && machine.ranges.get(message.range);
            nowMs += draw(10);
            if (message !== undefined && row !== undefined && draw(4) > 0) {
              if (
                machine.send({ kind: "range-begin", phase: "merge", range: row, step: message.step, nowMs }) &&
                draw(5) > 0
              ) {
                const range = machine.ranges.get(message.range)!;
                const done = draw(2) === 0;
                const step = { range, step: message.step, attempt: range.task.attempt, nowMs };
                const commit = {
                  kind: "range-commit",
                  phase: "merge",
                  ...step,
                  checkpoint: done ? null : "key",
                  done,
                } as const;
                if (machine.send(commit) && done) finished.set(range.number, (finished.get(range.number) ?? 0) + 1);
                // The report again: its row has moved on.
                const now = machine.ranges.get(range.number)!;
                if (machine.send({ ...commit, range: now })) twice += 1;
              }
            } else {
              nowMs += SMALL.leaseMs;
              for (const range of machine.ranges.values())
                machine.send({ kind: "range-due", phase: "merge", range, nowMs });
            }
          }
          expect(joins()).toBe(true);
          expect(twice).toBe(0);
          expect([...finished.values()].every((times) => times === 1)).toBe(true);
          // A job without an input has one part, without a record.
          const total = Math.max(1, inputs);
          expect(finished.size).toBe(total);
          expect(machine.state().merge).toMatchObject({ total, begun: total, done: total });
          // Whatever the job has, one event does a bounded amount.
          expect(machine.most()).toBeLessThanOrEqual(2 * maxConcurrency + 6);
        },
      ),
      { numRuns: 60 },
    );
  });
});
