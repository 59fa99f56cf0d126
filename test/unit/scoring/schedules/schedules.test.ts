import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScoringError } from "../../../../src/errors.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { parseCron } from "../../../../src/scoring/schedules/cron.ts";
import { planDueRuns, runIdempotencyKey } from "../../../../src/scoring/schedules/due-runs.ts";
import { findPreviousJob } from "../../../../src/scoring/schedules/run-schedule.ts";
import type { ScheduleRun } from "../../../../src/scoring/schedules/schedule.ts";
import { expandTemplate, hasWindow } from "../../../../src/scoring/schedules/window.ts";

/** The pure parts of schedules: when they are due, what they owe, what their windows are. */

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const interval = LIMITS.minScheduleIntervalMs;
const at = (text: string): number => Date.parse(text);

function findError(body: () => unknown): ScoringError {
  try {
    body();
  } catch (error) {
    if (error instanceof ScoringError) return error;
  }
  throw new Error("nothing was refused");
}

/** Patterns in UTC with what they mean, said a second time. */
const pattern = fc
  .record({
    minute: fc.constantFrom(0, 7, 30, 59),
    hour: fc.option(fc.integer({ min: 0, max: 23 }), { nil: null }),
    day: fc.option(fc.integer({ min: 1, max: 28 }), { nil: null }),
    month: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }),
  })
  .map(({ minute, hour, day, month }) => ({
    text: `${minute} ${hour ?? "*"} ${day ?? "*"} ${month ?? "*"} *`,
    fits: (ms: number) => {
      const date = new Date(ms);
      return (
        ms % MINUTE_MS === 0 &&
        date.getUTCMinutes() === minute &&
        (hour === null || date.getUTCHours() === hour) &&
        (day === null || date.getUTCDate() === day) &&
        (month === null || date.getUTCMonth() + 1 === month)
      );
    },
  }));
const moment = fc.integer({ min: at("2024-01-01T00:00:00Z"), max: at("2030-01-01T00:00:00Z") });

describe("cron", () => {
  it("is UTC, five fields, with Sunday as 0, 7 or SUN", () => {
    const sunday = at("2026-11-29T02:30:00Z");
    for (const day of ["0", "7", "SUN"]) {
      expect(parseCron(`30 2 * * ${day}`, interval).next(at("2026-11-24T00:00:00Z"))).toBe(sunday);
    }
    expect(parseCron("30 2 * * *", interval).next(sunday)).toBe(sunday + DAY_MS);
    // The hour that clocks in Europe skip: UTC has it.
    expect(parseCron("30 1 * * *", interval).next(at("2026-03-29T00:00:00Z"))).toBe(at("2026-03-29T01:30:00Z"));
  });

  it.each([
    ["nothing", "five fields"],
    ["0 2 * * * *", "five fields"],
    ["61 2 * * *", "minute"],
    ["0 0 30 2 *", "never comes"],
    ["* * * * *", "less than 15 minutes"],
    ["0,50,55 3 * * *", "less than 15 minutes"],
    ["55 5 * * *,0 6 * * *", "five fields"],
    ["? 2 * * *", "no meaning"],
  ])("refuses %s by name", (text, message) => {
    const error = findError(() => parseCron(text, interval));
    expect(error.code).toBe("validation_failed");
    expect(error.issues).toMatchObject([{ path: "cron", code: "invalid_cron" }]);
    expect(error.issues[0]?.message).toContain(message);
  });

  it("finds a gap that crosses the hour", () => {
    expect(findError(() => parseCron("0,55 5,6 * * *", interval)).detail).toContain("less than 15 minutes");
    expect(() => parseCron("0,30 5,6 * * *", interval)).not.toThrow();
  });

  it("names the very next and the very last due times", () => {
    fc.assert(
      fc.property(pattern, moment, ({ text, fits }, nowMs) => {
        const cron = parseCron(text, interval);
        const next = cron.next(nowMs)!;
        expect(next).toBeGreaterThan(nowMs);
        expect(fits(next)).toBe(true);
        const [last] = cron.previous(nowMs, 1);
        expect(last).toBeLessThanOrEqual(nowMs);
        expect(fits(last!)).toBe(true);
        // Nothing lies between the two.
        expect(cron.next(last!)).toBe(next);
        expect(cron.previous(next - 1, 1)).toEqual([last]);
      }),
      { numRuns: 300 },
    );
  });
});

describe("owed runs", () => {
  const looks = fc.record({
    pattern: fc.constantFrom("30 2 * * *", "0 */6 * * *", "0 4 * * SUN", "15 * * * *"),
    startMs: moment,
    gapsMs: fc.array(fc.integer({ min: 0, max: 3 * DAY_MS }), { maxLength: 20 }),
    maxRuns: fc.integer({ min: 1, max: 7 }),
  });

  it("are each settled exactly once, whatever the moments of the looks", () => {
    fc.assert(
      fc.property(looks, ({ pattern: text, startMs, gapsMs, maxRuns }) => {
        const cron = parseCron(text, interval);
        let nowMs = startMs;
        let settledMs = startMs;
        const settled: number[] = [];
        for (const gapMs of gapsMs) {
          nowMs += gapMs;
          const plan = planDueRuns(cron, { settledMs, nowMs, maxRuns });
          expect(plan.runs.length).toBeLessThanOrEqual(maxRuns);
          // What is skipped is only ever older than as many runs as may be made.
          expect(plan.skipped === null || plan.runs.length === maxRuns).toBe(true);
          const { fromMs, toMs } = plan.skipped ?? { fromMs: 1, toMs: 0 };
          for (let dueMs = fromMs; dueMs <= toMs; dueMs = cron.next(dueMs)!) settled.push(dueMs);
          settled.push(...plan.runs);
          settledMs = plan.settledMs;
          expect(plan.nextMs).toBe(cron.next(nowMs));
        }
        const expected: number[] = [];
        for (let dueMs = cron.next(startMs)!; dueMs <= nowMs; dueMs = cron.next(dueMs)!) expected.push(dueMs);
        expect(settled).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("are none when nothing is due, and the look changes nothing", () => {
    const cron = parseCron("30 2 * * *", interval);
    const settledMs = at("2026-11-24T02:30:00Z");
    const plan = planDueRuns(cron, { settledMs, nowMs: settledMs + DAY_MS - 1, maxRuns: 7 });
    expect(plan).toEqual({ runs: [], skipped: null, settledMs, nextMs: settledMs + DAY_MS });
  });

  it("catch up the newest windows and name the span that is skipped", () => {
    const cron = parseCron("30 2 * * *", interval);
    const plan = planDueRuns(cron, {
      settledMs: at("2026-11-01T02:30:00Z"),
      nowMs: at("2026-11-10T12:00:00Z"),
      maxRuns: 2,
    });
    expect(plan.runs).toEqual([at("2026-11-09T02:30:00Z"), at("2026-11-10T02:30:00Z")]);
    expect(plan.skipped).toEqual({ fromMs: at("2026-11-02T02:30:00Z"), toMs: at("2026-11-08T02:30:00Z") });
  });

  it("have a key of their own, by schedule and due time", () => {
    const key = runIdempotencyKey("a", at("2026-11-10T02:30:00Z"));
    expect(key).toBe("schedule:a:2026-11-10T02:30:00.000Z");
    expect(runIdempotencyKey("b", at("2026-11-10T02:30:00Z"))).not.toBe(key);
    expect(runIdempotencyKey("a", at("2026-11-11T02:30:00Z"))).not.toBe(key);
  });
});

describe("windows", () => {
  const template = {
    name: "night {yyyy}-{mm}-{dd}",
    input: { store: "faces", prefix: "{yyyy}/{mm}/{dd}/{hh}/" },
    output: { store: "faces", prefix: "out/{yyyy}/" },
    purpose: "{left} as it is",
  };

  it("fill in the due time, moved by the offset, and nothing else", () => {
    expect(expandTemplate(template, at("2026-03-01T02:30:00Z"), -24)).toEqual({
      name: "night 2026-02-28",
      input: { store: "faces", prefix: "2026/02/28/02/" },
      output: { store: "faces", prefix: "out/2026/" },
      purpose: "{left} as it is",
    });
    expect(template.input.prefix).toBe("{yyyy}/{mm}/{dd}/{hh}/");
  });

  it("refuse placeholders that are not known, all at once", () => {
    const error = findError(() =>
      expandTemplate({ name: "{day}", input: { manifest: { key: "{yyyy}/{DD}.csv" } } }, 0, 0),
    );
    expect(error.issues.map(({ path, code }) => `${path} ${code}`)).toEqual([
      "manifest.name unknown_placeholder",
      "manifest.input.manifest.key unknown_placeholder",
    ]);
  });

  it("count only where the input has them", () => {
    expect(hasWindow(template)).toBe(true);
    expect(hasWindow({ ...template, input: { store: "faces", prefix: "all/" } })).toBe(false);
    expect(hasWindow({ input: { manifest: { key: "{dd}.csv" } } })).toBe(true);
    expect(hasWindow({ input: "{dd}" })).toBe(false);
  });

  it("give another prefix each day, and the same for the same day", () => {
    fc.assert(
      fc.property(moment, fc.integer({ min: -8784, max: 24 }), (dueMs, offset) => {
        const prefix = (ms: number) => (expandTemplate(template, ms, offset)["input"] as { prefix: string }).prefix;
        expect(prefix(dueMs)).not.toBe(prefix(dueMs + DAY_MS));
        expect(prefix(dueMs)).toBe(prefix(dueMs));
        const [yyyy, mm, dd, hh] = prefix(dueMs).split("/");
        expect(Date.parse(`${yyyy}-${mm}-${dd}T${hh}:00:00Z`)).toBe(
          Math.floor((dueMs + offset * 3_600_000) / 3_600_000) * 3_600_000,
        );
      }),
    );
  });
});

const makeRun = (dueMs: number, status: NonNullable<ScheduleRun["job"]>["status"] | null): ScheduleRun => ({
  scheduleId: "s",
  dueMs,
  firedMs: dueMs,
  trigger: "cron",
  jobId: status === null ? null : `job-${dueMs}`,
  failure: null,
  job: status === null ? null : { status, listed: 1, scored: 1, failed: 0, dollars: null },
});

describe("the run before", () => {
  it("is the latest earlier one that ended with labels", () => {
    const runs = [
      makeRun(5, "running"),
      makeRun(4, "completed"),
      makeRun(3, "completed_with_errors"),
      makeRun(2, "failed"),
      makeRun(1, null),
    ];
    expect(findPreviousJob(runs, 6)).toBe("job-4");
    expect(findPreviousJob(runs, 4)).toBe("job-3");
    expect(findPreviousJob(runs, 3)).toBeNull();
    expect(findPreviousJob([], 3)).toBeNull();
  });
});
