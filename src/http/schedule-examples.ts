/** Examples of the operations of schedules in the API's document; see operation-examples.ts. */

import { DEFAULT_ALERT_MARKS } from "../scoring/report/alert-marks.ts";

/** Ids that the examples share, and the manifest of a job. */
interface Shared {
  readonly jobId: string;
  readonly scheduleId: string;
  readonly keyId: string;
  readonly manifest: object;
}

/** By `METHOD /path`. */
export function makeScheduleExamples({ jobId, scheduleId, keyId, manifest }: Shared) {
  const run = {
    dueAt: "2026-11-29T02:00:00.000Z",
    firedAt: "2026-11-29T02:01:12.000Z",
    trigger: "cron",
    jobId,
    failure: null,
    job: null,
  };
  const alert = {
    tone: "bad",
    subject: "No face",
    text: "27 % of the pictures have no found face; the usual is 2 %.",
    dueAt: "2026-11-29T02:00:00.000Z",
    jobId,
  };
  const schedule = {
    id: scheduleId,
    name: "nightly",
    cron: "0 2 * * *",
    windowOffsetHours: 24,
    enabled: true,
    manifest: { ...manifest, input: { store: "faces", prefix: "nights/{yyyy}/{mm}/{dd}/" } },
    review: { perRun: 60, by: null, readers: ["anna"] },
    alerts: DEFAULT_ALERT_MARKS,
    baselineJobId: null,
    owner: keyId,
    createdAt: "2026-11-01T00:00:00.000Z",
    updatedAt: "2026-11-01T00:00:00.000Z",
    nextRuns: ["2026-11-30T02:00:00.000Z"],
    lastRuns: [run],
  };
  return {
    "POST /v1/schedules": {
      request: { name: "nightly", cron: "0 2 * * *", windowOffsetHours: 24, manifest: schedule.manifest },
      response: schedule,
    },
    "GET /v1/schedules": {
      response: { schedules: [schedule], cursor: null },
    },
    "GET /v1/schedules/{id}": {
      response: schedule,
    },
    "GET /v1/schedules/{id}/alerts": {
      response: {
        alerts: [alert],
        reviews: [
          {
            jobId,
            dueAt: alert.dueAt,
            drawn: 60,
            seen: 60,
            result: { faces: 4800, answered: 58, accuracy: { value: 0.71, low: 0.58, high: 0.81 } },
            failure: null,
          },
        ],
        told: [{ ...alert, at: "2026-11-29T02:40:00.000Z" }],
        waiting: 0,
        givenUp: 0,
      },
    },
    "PATCH /v1/schedules/{id}": {
      request: { enabled: false },
      response: { ...schedule, enabled: false, nextRuns: [] },
    },
    "POST /v1/schedules/{id}/run": {
      request: { dueAt: "2026-11-28T02:00:00.000Z" },
      response: run,
    },
  };
}
