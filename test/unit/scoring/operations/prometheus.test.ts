import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderDeployment } from "../../../../src/scoring/operations/deployment-metrics.ts";
import { createLogMetrics } from "../../../../src/jobs/metrics-sinks.ts";
import type { MetricPoint } from "../../../../src/scoring/operations/metrics.ts";
import { createCounters, joinMetrics, renderFamilies } from "../../../../src/scoring/operations/prometheus.ts";

/** One sample as Prometheus reads it back: a small parser of the text format, by its description. */
function parse(
  text: string,
): { readonly name: string; readonly labels: Record<string, string>; readonly value: number }[] {
  expect(text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", inner = "", value = ""] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)!;
      const labels: Record<string, string> = {};
      for (const [, label = "", raw = ""] of inner.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)",?/g))
        labels[label] = raw.replaceAll(/\\(.)/g, (_, next: string) => (next === "n" ? "\n" : next));
      return { name, labels, value: Number(value) };
    });
}

const message = (result: "done" | "dead", lagMs: number): MetricPoint => ({
  kind: "message",
  work: "score",
  result,
  lagMs,
  wallMs: 500,
  attempts: 1,
});

describe("metrics for Prometheus", () => {
  it("any label and value can be read back from the text", () => {
    const sample = fc.record({
      labels: fc.record({
        model: fc.string({ unit: "binary" }),
        code: fc.constantFrom('a"b', "back\\slash", "two\nlines"),
      }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 5 }), (samples) => {
        // The text has one line per sample, whatever a label holds; other line ends are no line ends to Prometheus.
        const clean = samples.filter(({ labels }) => !/[\r\u2028\u2029\u0085]/.test(labels.model));
        const text = renderFamilies([{ name: "a_total", type: "counter", help: "help", samples: clean }]);
        fc.pre(clean.length > 0);
        expect(text.split("\n").slice(0, 2)).toEqual(["# HELP a_total help", "# TYPE a_total counter"]);
        expect(parse(text)).toEqual(clean.map(({ labels, value }) => ({ name: "a_total", labels, value })));
      }),
    );
  });

  it("counters add up what was observed, by label", () => {
    const counters = createCounters();
    counters.write([message("done", 1000), message("done", 500), message("dead", 0)]);
    counters.write([
      { kind: "alarm_lost", seconds: 12 },
      { kind: "error", code: "image_corrupt", disposition: "item", count: 3 },
    ]);
    const samples = parse(renderFamilies(counters.list()));
    expect(samples).toEqual(
      expect.arrayContaining([
        { name: "countenance_messages_total", labels: { work: "score", result: "done" }, value: 2 },
        { name: "countenance_messages_total", labels: { work: "score", result: "dead" }, value: 1 },
        { name: "countenance_message_lag_seconds_total", labels: { work: "score" }, value: 1.5 },
        { name: "countenance_message_wall_seconds_total", labels: { work: "score" }, value: 1.5 },
        { name: "countenance_alarms_lost_total", labels: {}, value: 1 },
        { name: "countenance_job_errors_total", labels: { code: "image_corrupt", disposition: "item" }, value: 3 },
      ]),
    );
  });

  it("an observation goes to every sink", () => {
    const lines: string[] = [];
    const counters = createCounters();
    joinMetrics(createLogMetrics({ log: (_, event) => void lines.push(event) }), counters).write([message("done", 0)]);
    expect(lines).toEqual(["metric"]);
    expect(counters.list()).not.toEqual([]);
  });

  it("says what the deployment holds, and leaves out what is not known", () => {
    const facts = {
      version: "1.2.3",
      readiness: {
        ready: false,
        checks: [{ name: "model", ready: true } as const, { name: "store:a", ready: false, code: "timeout" } as const],
        queue: { backlog: 4, oldestSeconds: 9 },
        jurisdiction: "eu",
      },
      totals: { openJobs: { running: 2, paused: 1 }, deadLetters: 5 },
      counters: null,
    };
    expect(parse(renderDeployment(facts))).toEqual([
      { name: "countenance_info", labels: { version: "1.2.3", jurisdiction: "eu" }, value: 1 },
      { name: "countenance_ready", labels: { check: "model" }, value: 1 },
      { name: "countenance_ready", labels: { check: "store:a" }, value: 0 },
      { name: "countenance_open_jobs", labels: { status: "running" }, value: 2 },
      { name: "countenance_open_jobs", labels: { status: "paused" }, value: 1 },
      { name: "countenance_dead_letters", labels: {}, value: 5 },
      { name: "countenance_queue_backlog", labels: {}, value: 4 },
      { name: "countenance_queue_oldest_seconds", labels: {}, value: 9 },
    ]);
    const unknown = renderDeployment({ ...facts, readiness: { ...facts.readiness, queue: null } });
    expect(unknown).not.toContain("countenance_queue");
  });
});
