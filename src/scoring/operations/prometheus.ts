/**
 * Metrics as text for Prometheus (prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4), and counters that add observations up.
 * The list of labels is closed, as in metrics.ts: no key, object, job or name of the caller's is ever in one.
 */

import type { MetricPoint, Metrics } from "./metrics.ts";

/** The content type of the text. */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** One value of a family, with its labels. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one name. */
export interface Family {
  /** `[a-z_]+`; a counter's ends with `_total`. */
  readonly name: string;
  readonly type: "gauge" | "counter";
  /** One line, of a phrase. */
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** Observations added up since the process began. */
export interface Counters extends Metrics {
  list(): readonly Family[];
}

/** Help by name of each counter. */
const COUNTERS = {
  countenance_messages_total: "Deliveries of queue messages by work and result",
  countenance_message_lag_seconds_total: "Time from sending to delivery, in sum; asked-for delays included",
  countenance_message_wall_seconds_total: "Time from delivery to the end, in sum",
  countenance_jobs_ended_total: "Ended jobs by status, model and execution",
  countenance_job_seconds_total: "Time from submission to the end of ended jobs, in sum",
  countenance_job_inputs_total: "Inputs of ended jobs by outcome and model",
  countenance_job_records_total: "Records of ended jobs by model",
  countenance_job_bytes_total: "Bytes of the inputs of ended jobs by model",
  countenance_job_errors_total: "Inputs of ended jobs by error code and disposition",
  countenance_alarms_lost_total: "Alarms of jobs that did not fire and were set again",
} as const;
type CounterName = keyof typeof COUNTERS;

/** Counters that begin at zero. */
export function createCounters(): Counters {
  const sums = new Map<CounterName, Map<string, Sample>>();
  const add = (name: CounterName, labels: Readonly<Record<string, string>>, value: number): void => {
    const samples = sums.get(name) ?? new Map<string, Sample>();
    sums.set(name, samples);
    const key = JSON.stringify(labels);
    samples.set(key, { labels, value: (samples.get(key)?.value ?? 0) + value });
  };
  return {
    write(points) {
      for (const point of points) addPoint(point, add);
    },
    list: () =>
      [...sums].map(([name, samples]) => ({
        name,
        type: "counter" as const,
        help: COUNTERS[name],
        samples: [...samples.values()],
      })),
  };
}

function addPoint(
  point: MetricPoint,
  add: (name: CounterName, labels: Readonly<Record<string, string>>, value: number) => void,
): void {
  switch (point.kind) {
    case "message": {
      const { work, result, lagMs, wallMs } = point;
      add("countenance_messages_total", { work, result }, 1);
      add("countenance_message_lag_seconds_total", { work }, lagMs / 1000);
      return add("countenance_message_wall_seconds_total", { work }, wallMs / 1000);
    }
    case "job": {
      const { status, model, execution, seconds, records, bytes } = point;
      add("countenance_jobs_ended_total", { status, model, execution }, 1);
      add("countenance_job_seconds_total", { model }, seconds);
      add("countenance_job_records_total", { model }, records);
      return add("countenance_job_bytes_total", { model }, bytes);
    }
    case "outcome":
      return add("countenance_job_inputs_total", { outcome: point.outcome, model: point.model }, point.count);
    case "error":
      return add("countenance_job_errors_total", { code: point.code, disposition: point.disposition }, point.count);
    case "alarm_lost":
      return add("countenance_alarms_lost_total", {}, 1);
  }
}

/** Sends every observation to all of `sinks`. */
export function joinMetrics(...sinks: readonly Metrics[]): Metrics {
  return {
    write(points) {
      for (const sink of sinks) sink.write(points);
    },
  };
}

/** The text. Families and samples keep their order; a family without samples is left out. */
export function renderFamilies(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const lines = samples.map(({ labels, value }) => `${name}${renderLabels(labels)} ${renderValue(value)}`);
      return [`# HELP ${name} ${escape(help, false)}`, `# TYPE ${name} ${type}`, ...lines].join("\n");
    })
    .map((family) => `${family}\n`)
    .join("");
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value, true)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function renderValue(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (Number.isFinite(value)) return String(value);
  return value > 0 ? "+Inf" : "-Inf";
}

function escape(text: string, quotes: boolean): string {
  const escaped = text.replaceAll("\\", String.raw`\\`).replaceAll("\n", String.raw`\n`);
  return quotes ? escaped.replaceAll('"', String.raw`\"`) : escaped;
}
