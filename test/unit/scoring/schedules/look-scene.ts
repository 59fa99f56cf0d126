/* oxlint-disable typescript/no-unsafe-type-assertion -- jobs as far as a look reads them */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createDirectoryRows, type WholeDirectory } from "../../../../src/jobs/directory-rows.ts";
import { LABELS } from "../../../../src/model/labels.ts";
import { parseModelCard } from "../../../../src/model/card.ts";
import { loadSqlite } from "../../../../src/serve/sqlite-file.ts";
import { nameProbabilities } from "../../../../src/scoring/chunk/score-record.ts";
import { summarize } from "../../../../src/scoring/fold/summary.ts";
import type { JobSpec } from "../../../../src/scoring/job/job-spec.ts";
import type { JobState } from "../../../../src/scoring/job/job-state.ts";
import type { JobView } from "../../../../src/scoring/job/job-view.ts";
import type { JobStatus } from "../../../../src/scoring/job/job-status.ts";
import { jobFolder, LABEL_FILES, OUTPUT_NAMES } from "../../../../src/scoring/keys.ts";
import { LIMITS } from "../../../../src/scoring/limits.ts";
import { roundMicro } from "../../../../src/scoring/records/field-types.ts";
import { serializeRecord } from "../../../../src/scoring/records/record-line.ts";
import { buildReport, type Report } from "../../../../src/scoring/report/report.ts";
import { readDesign } from "../../../../src/scoring/review/review-store.ts";
import { lookAtSchedule, type LookResult } from "../../../../src/scoring/schedules/look-at-schedule.ts";
import type { ScheduleDeps } from "../../../../src/scoring/schedules/run-schedule.ts";
import type { NightReview, ScheduleRecord } from "../../../../src/scoring/schedules/schedule.ts";
import { answerReview } from "../../../../src/scoring/review/review-desk.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";
import type { ObjectStore } from "../../../../src/storage/object-store.ts";
import { type KnownFace, makePopulation } from "../review/population.ts";

/** Nights of a schedule whose jobs have ended: the directory's real rows, stored outputs, and a receiver of webhooks. */

export const DAY_MS = 86_400_000;
export const START = Date.parse("2026-11-20T02:30:00Z");
export const dueOf = (night: number): number => START + night * DAY_MS;
export const jobOf = (night: number): string => `job-${night}`;
const FACES = 300;
const openSqlite = await loadSqlite();
const card = parseModelCard(
  readFileSync(new URL("../../../../models/deep-emotion@2/card.json", import.meta.url), "utf8"),
);
const population = makePopulation(12, FACES);

export interface Sent {
  readonly url: string;
  readonly id: string;
  readonly payload: string;
  readonly keyId: string | null;
}

export interface Scene {
  readonly directory: WholeDirectory;
  readonly store: ObjectStore;
  readonly deps: ScheduleDeps;
  readonly sent: Sent[];
  /** True: the receiver answers nothing. */
  readonly trouble: { receiver: boolean };
  addSchedule(more?: Partial<ScheduleRecord>): Promise<void>;
  /** A night whose job has ended; `isNew` says which of its pictures the night before did not have. */
  addNight(night: number, more?: NightOptions): Promise<void>;
  look(nowMs: number): Promise<LookResult | null>;
  answer(night: number, isRight: (at: number) => boolean, count?: number): Promise<void>;
}

export interface NightOptions {
  readonly status?: JobStatus;
  readonly noFace?: number;
  readonly dollars?: number;
  readonly review?: NightReview | null;
  readonly isNew?: (index: number) => boolean;
}

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join("");
const keyOf = (index: number): string => `in/${String(index).padStart(4, "0")}.png`;

function toRecord({ index, label, margin, probabilities }: KnownFace, etag: string) {
  return {
    id: keyOf(index),
    key: keyOf(index),
    etag,
    status: "scored" as const,
    label: LABELS[label]!,
    probabilities: nameProbabilities(LABELS, probabilities.map(roundMicro)),
    margin,
    entropy: 1,
    face: null,
    groups: {},
    truth: null,
    quality: null,
    model: "m@1",
    pipeline: 1 as const,
    error: null,
  };
}

const report: Report = buildReport(
  summarize(
    population.map((face) => toRecord(face, "")),
    {},
  ),
  {
    job: { id: "a", name: null, purpose: null, status: "completed", createdAt: "", finishedAt: "" },
    listed: FACES,
    missingChunks: 0,
    card,
    engine: "fused",
    pipeline: 1,
    faces: "largest",
    faceFinder: null,
    tta: "none",
    minGroupSize: 10,
  },
);

/** @param file of the directory's database */
export function createScene(file: string): Scene {
  const directory = createDirectoryRows(openSqlite(file, "system").sql);
  const store = createMemoryStore();
  const jobs = new Map<string, { spec: JobSpec; state: JobState }>();
  const sent: Sent[] = [];
  const trouble: Scene["trouble"] = { receiver: false };
  const etags = new Map<number, string>();
  const deps = {
    schedules: directory,
    openJob: (id: string) => ({ read: async () => jobs.get(id) ?? null, owner: async () => "owner" }),
    openStore: () => store,
    clock: () => START,
    limits: LIMITS,
    async sendWebhook(url: string, id: string, payload: string, keyId: string | null) {
      if (trouble.receiver) throw new Error("the receiver answered 500");
      sent.push({ url, id, payload, keyId });
    },
  } as unknown as ScheduleDeps;
  return {
    directory,
    store,
    deps,
    sent,
    trouble,
    async addSchedule(more = {}) {
      const record: ScheduleRecord = {
        id: "s",
        name: "nightly",
        cron: "30 2 * * *",
        windowOffsetHours: 0,
        enabled: true,
        manifest: { notify: { url: "https://receiver.example/hook" } },
        baselineJobId: null,
        owner: "owner",
        createdMs: START,
        updatedMs: START,
        revision: 1,
        settledMs: START,
        ...more,
      };
      await directory.addSchedule(record, null, 10);
    },
    async addNight(
      night,
      { status = "completed", noFace = 0, dollars = 0.01, review = null, isNew = () => false } = {},
    ) {
      const [id, dueMs] = [jobOf(night), dueOf(night)];
      for (const { index } of population) if (night === 0 || isNew(index)) etags.set(index, `e${index}-${night}`);
      const records = population.map((face) => toRecord(face, etags.get(face.index)!));
      const root = jobFolder("out", id);
      await store.put(`${root}${LABEL_FILES.jsonl.name}`, lines(records.map(serializeRecord)));
      const items = records.map(({ key, etag }, index) => JSON.stringify({ index, id: key, key, size: 9, etag }));
      await store.put(`${root}${OUTPUT_NAMES.input}`, lines(items));
      const denominators = { ...report.denominators, scored: FACES - noFace, noFace };
      await store.put(`${root}${OUTPUT_NAMES.reportJson}`, JSON.stringify({ ...report, denominators }));
      const schedule = {
        scheduleId: "s",
        dueMs,
        previousJobId: night === 0 ? null : jobOf(night - 1),
        baselineJobId: null,
      };
      const manifest = {
        faces: "aligned",
        minGroupSize: 10,
        output: { store: "faces", prefix: "out", layout: "single" },
      };
      jobs.set(id, {
        spec: { id, manifest, owner: null, schedule } as unknown as JobSpec,
        state: { status, generation: 0 } as JobState,
      });
      await directory.writeScheduleRun(
        { scheduleId: "s", dueMs, firedMs: dueMs, trigger: "cron", jobId: id, failure: null, review },
        LIMITS.maxScheduleRuns,
      );
      const view = {
        id,
        status,
        counts: { listed: FACES, outcomes: { scored: FACES - noFace, failed: 0 } },
        dollars,
        times: { [status]: new Date(dueMs + 60_000).toISOString() },
        schedule: { id: "s", dueAt: new Date(dueMs).toISOString() },
      };
      await directory.update(view as unknown as JobView);
    },
    async look(nowMs) {
      const due = await directory.takeScheduleLook(nowMs, LIMITS.lookLeaseMs);
      return due === null ? null : lookAtSchedule(deps, due, nowMs);
    },
    async answer(night, isRight, count = 1000) {
      const design = (await readDesign(store, jobFolder("out", jobOf(night)), LIMITS))!;
      const answers = design.faces.slice(0, count).map((face, at) => {
        const { label } = population[face!.item.index]!;
        return { at, label: LABELS[isRight(at) ? label : (label + 1) % LABELS.length]!, seconds: 2 };
      });
      const caller = { keyId: "owner", scopes: ["admin"] } as unknown as Parameters<typeof answerReview>[2];
      const reviews = deps as unknown as Parameters<typeof answerReview>[0];
      await answerReview(reviews, jobOf(night), caller, "anna", answers);
      await directory.wantScheduleLook("s", dueOf(night) + 2 * 3_600_000);
    },
  };
}

/** A database of its own for each scene. @param folder of the test */
export function createScenes(folder: string): () => Scene {
  let count = 0;
  return () => createScene(join(folder, `${(count += 1)}.sqlite`));
}
