/** `/v1/schedules`: jobs that come again, by cron in UTC. A schedule belongs to the key that made it, as its jobs do. */

import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ScoringError } from "../errors.ts";
import { JOB_STATUSES } from "../scoring/job/job-status.ts";
import { LIMITS } from "../scoring/limits.ts";
import { alertMarksSchema } from "../scoring/schedules/alert-marks-schema.ts";
import { parseCron } from "../scoring/schedules/cron.ts";
import { changeSchedule, makeSchedule } from "../scoring/schedules/change-schedule.ts";
import { feedSchedule } from "../scoring/schedules/feed-schedule.ts";
import { judgeSchedule, viewOutlook } from "../scoring/schedules/judge-runs.ts";
import { runSchedule } from "../scoring/schedules/run-schedule.ts";
import {
  newScheduleSchema,
  nightReviewSchema,
  scheduleChangeSchema,
  type ScheduleRecord,
  type ScheduleView,
  viewRun,
  viewSchedule,
} from "../scoring/schedules/schedule.ts";
import type { ApiDeps } from "./api-deps.ts";
import { parseBody, readBoundedBody, readJsonBody } from "./json-body.ts";
import { addedSchema, inputLines } from "./open-routes.ts";
import { json, jsonBody, problemResponses } from "./schemas.ts";

/** Runs that a list shows per schedule; a schedule by itself shows all that are kept. */
const LISTED_RUNS = 5;

const time = z.iso.datetime();
const count = z.int().nonnegative();
const runSchema = z
  .object({
    dueAt: time,
    firedAt: time,
    trigger: z.enum(["cron", "manual"]),
    jobId: z.string().nullable(),
    failure: z.object({ code: z.string(), message: z.string() }).nullable(),
    job: z
      .object({
        status: z.enum(JOB_STATUSES),
        listed: count,
        scored: count,
        failed: count,
        dollars: z.number().nonnegative().nullable(),
      })
      .nullable(),
  })
  .openapi("ScheduleRun");
const scheduleSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    cron: z.string(),
    windowOffsetHours: z.int(),
    enabled: z.boolean(),
    manifest: z.record(z.string(), z.unknown()),
    review: nightReviewSchema.nullable(),
    alerts: alertMarksSchema,
    baselineJobId: z.string().nullable(),
    owner: z.string(),
    createdAt: time,
    updatedAt: time,
    nextRuns: z.array(time),
    lastRuns: z.array(runSchema),
  })
  .openapi("Schedule");
const share = z.number().min(0).max(1);
const jobId = z.string().nullable();
const alert = { tone: z.enum(["bad", "warn", "good"]), subject: z.string(), text: z.string(), dueAt: time, jobId };
const outlookSchema = z
  .object({
    alerts: z.array(z.object(alert)),
    reviews: z.array(
      z.object({
        jobId: z.string(),
        dueAt: time,
        drawn: count,
        seen: count,
        result: z
          .object({ faces: count, answered: count, accuracy: z.object({ value: share, low: share, high: share }) })
          .nullable(),
        failure: z.object({ code: z.string(), message: z.string() }).nullable(),
      }),
    ),
    told: z.array(z.object({ ...alert, at: time })),
    waiting: count,
    givenUp: count,
  })
  .openapi("ScheduleAlerts");
const idParam = z.object({ id: z.uuid().openapi({ param: { name: "id", in: "path" } }) });
const fedSchema = addedSchema.extend({ jobId: z.uuid() }).openapi("FedInputs");
const runBodySchema = z.strictObject({ dueAt: time.optional() });

/** The routes of schedules. */
export function addScheduleRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { schedules, limits } = deps;
  const readCron = (text: string) => parseCron(text, limits.minScheduleIntervalMs);

  async function requireSchedule(c: Context, id: string): Promise<ScheduleRecord> {
    const caller = c.get("caller");
    const record = z.uuid().safeParse(id).success ? await schedules.readSchedule(id) : null;
    if (record !== null && (record.owner === caller.keyId || caller.scopes.includes("admin"))) return record;
    throw new ScoringError("not_found", `there is no schedule ${id.slice(0, 64)}`);
  }

  async function view(record: ScheduleRecord, runs: number): Promise<ScheduleView> {
    const lastRuns = await schedules.listScheduleRuns(record.id, runs);
    return viewSchedule(record, readCron(record.cron), lastRuns, deps.clock());
  }

  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/schedules",
    summary: "Make a schedule: a manifest that is submitted whenever its cron expression (UTC) is due",
    request: { body: jsonBody(newScheduleSchema) },
    responses: { 201: json(scheduleSchema, "The schedule"), ...problemResponses },
  });
  app.post("/v1/schedules", async (c) => {
    const body = parseBody(newScheduleSchema, await readJsonBody(c.req.raw, limits.maxScheduleBytes));
    const record = await makeSchedule(deps, body, c.get("caller"));
    return c.json(await view(record, LISTED_RUNS), 201, { location: `/v1/schedules/${record.id}` });
  });

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/schedules",
      summary: "The key's schedules (with an admin key, all), oldest first, with next and last runs",
      request: {
        query: z.object({
          cursor: z.string().max(64).optional(),
          limit: z.coerce.number().int().min(1).max(LIMITS.maxSchedulesPerPage).default(LIMITS.maxSchedulesPerPage),
        }),
      },
      responses: {
        200: json(
          z.object({ schedules: z.array(scheduleSchema), cursor: z.string().nullable() }),
          "A page of schedules",
        ),
        ...problemResponses,
      },
    }),
    async (c) => {
      const caller = c.get("caller");
      const { cursor = null, limit } = c.req.valid("query");
      const owner = caller.scopes.includes("admin") ? null : caller.keyId;
      const page = await schedules.listSchedules({ owner, cursor, limit, runs: LISTED_RUNS });
      const nowMs = deps.clock();
      const views = page.schedules.map(({ record, runs }) => viewSchedule(record, readCron(record.cron), runs, nowMs));
      return c.json({ schedules: views, cursor: page.cursor }, 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/schedules/{id}",
      summary: "One schedule with its next runs and all that are remembered",
      request: { params: idParam },
      responses: { 200: json(scheduleSchema, "The schedule"), ...problemResponses },
    }),
    async (c) => {
      const record = await requireSchedule(c, c.req.valid("param").id);
      return c.json(await view(record, LIMITS.maxScheduleRuns), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/schedules/{id}/alerts",
      summary:
        "What should be looked into: of the last run and of its reviews, as they are now, and what was told before",
      request: { params: idParam },
      responses: { 200: json(outlookSchema, "Alerts and reviews"), ...problemResponses },
    }),
    async (c) => {
      const record = await requireSchedule(c, c.req.valid("param").id);
      const known = await schedules.readScheduleLook(record.id);
      const runs = await schedules.listScheduleRuns(record.id, LIMITS.maxScheduleRuns);
      return c.json(viewOutlook(await judgeSchedule(deps, record, runs, known.reviews), known), 200);
    },
  );

  app.openAPIRegistry.registerPath({
    method: "patch",
    path: "/v1/schedules/{id}",
    summary: "Change a schedule: what is given replaces what was; due times before the change are not caught up",
    request: { params: idParam, body: jsonBody(scheduleChangeSchema) },
    responses: { 200: json(scheduleSchema, "The schedule afterwards"), ...problemResponses },
  });
  app.patch("/v1/schedules/:id", async (c) => {
    const known = await requireSchedule(c, c.req.param("id"));
    const body = parseBody(scheduleChangeSchema, await readJsonBody(c.req.raw, limits.maxScheduleBytes));
    const record = await changeSchedule(deps, known, body);
    return c.json(await view(record, LIMITS.maxScheduleRuns), 200);
  });

  app.openapi(
    createRoute({
      method: "delete",
      path: "/v1/schedules/{id}",
      summary: "Remove a schedule; the jobs of its runs stay",
      request: { params: idParam },
      responses: { 204: { description: "Gone" }, ...problemResponses },
    }),
    async (c) => {
      const { id } = await requireSchedule(c, c.req.valid("param").id);
      await schedules.removeSchedule(id);
      return c.body(null, 204);
    },
  );

  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/schedules/{id}/inputs",
    summary:
      "Send inputs to the newest run of a feed, a schedule whose runs are open jobs; opens one where none takes any",
    request: { params: idParam, body: inputLines },
    responses: {
      200: json(fedSchema, "The job that has them, and how many came for the first time"),
      ...problemResponses,
    },
  });
  app.post("/v1/schedules/:id/inputs", async (c) => {
    const record = await requireSchedule(c, c.req.param("id"));
    const body = await readBoundedBody(c.req.raw, limits.open.maxBytes);
    return c.json(await feedSchedule(deps, record, body), 200);
  });

  app.openAPIRegistry.registerPath({
    method: "post",
    path: "/v1/schedules/{id}/run",
    summary: "Run a schedule now, or for the window of another time (dueAt); the same dueAt again gives the same job",
    request: { params: idParam, body: { content: { "application/json": { schema: runBodySchema } } } },
    responses: { 201: json(runSchema, "The run, with its job or why there is none"), ...problemResponses },
  });
  app.post("/v1/schedules/:id/run", async (c) => {
    const record = await requireSchedule(c, c.req.param("id"));
    const body = c.req.raw.body === null ? {} : await readJsonBody(c.req.raw, limits.maxScheduleBytes);
    const { dueAt } = parseBody(runBodySchema, body);
    const dueMs = dueAt === undefined ? deps.clock() : Date.parse(dueAt);
    const run = await runSchedule(deps, record, { dueMs, trigger: "manual" });
    return c.json(viewRun({ ...run, job: null }), 201);
  });
}
