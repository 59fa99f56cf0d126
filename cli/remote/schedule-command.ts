import { defineCommand } from "citty";
import type { Api, NewSchedule, ScheduleChange } from "../../src/client/api.ts";
import { ScoringError } from "../../src/errors.ts";
import type { ScheduleRunView, ScheduleView } from "../../src/scoring/schedules/schedule.ts";
import { UsageError } from "../command-line.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { readJson } from "../files.ts";
import { readInteger } from "../integers.ts";
import { showText } from "../terminal-text.ts";
import { openConsole, WEB_ARG } from "./console-page.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";
import { readManifest } from "./read-manifest.ts";

const ID_ARG = { type: "positional", description: "The schedule's id", required: true } as const;
const CRON_TEXT = "Five fields, UTC: minute, hour, day of month, month, day of week";
const OFFSET_TEXT = "Added to the due time for {yyyy}, {mm}, {dd}, {hh}: -24 names the day before";

const REVIEW_TEXT = "Faces of each run's new pictures that people should label; 0 for none";
const READERS_TEXT = "With --review-per-run: ids of API keys that may label them, with commas";
const ALERTS_TEXT = "Marks of alerts, a JSON file: what is left out has its default (docs/schedules.md)";

/** The reviews that a schedule's runs get, as options say; `undefined` where none does. */
function readReview(perRun: string | undefined, readers: string | undefined): ScheduleChange["review"] {
  const faces = readInteger("review-per-run", perRun);
  if (faces === undefined) {
    if (readers !== undefined) throw new UsageError("--readers needs --review-per-run");
    return undefined;
  }
  if (faces === 0) return null;
  return { perRun: faces, ...(readers !== undefined && { readers: readers.split(",").map((id) => id.trim()) }) };
}

/** `2026-11-24 02:30`: whole minutes of an ISO time. */
const formatMinute = (time: string): string => time.slice(0, 16).replace("T", " ");

function describeSchedule({ id, name, cron, enabled, nextRuns }: ScheduleView): string {
  const next = enabled ? `next ${nextRuns[0] === undefined ? "never" : formatMinute(nextRuns[0])}` : "disabled";
  return `${id}  ${cron}  ${next}  ${showText(name)}`;
}

function describeRun({ dueAt, trigger, jobId, job, failure }: ScheduleRunView): string {
  const result =
    failure === null
      ? `${jobId}  ${job === null ? "–" : `${job.status}, ${job.scored} of ${job.listed} scored`}`
      : `${failure.code}: ${showText(failure.message)}`;
  return `${formatMinute(dueAt)}  ${trigger.padEnd(6)}  ${result}`;
}

function pick(values: ScheduleChange): ScheduleChange {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

const create = defineCommand({
  meta: { name: "create", description: "Submit a manifest whenever its cron expression is due" },
  args: {
    name: { type: "positional", description: "A name for the schedule", required: true },
    manifest: { type: "positional", description: "Manifest file, JSON (- reads standard input)", required: false },
    cron: { type: "string", description: CRON_TEXT, required: true },
    "window-offset-hours": { type: "string", description: OFFSET_TEXT },
    store: { type: "string", description: "Store of the inputs" },
    prefix: { type: "string", description: "Score every object under this prefix; may hold {yyyy}, {mm}, {dd}, {hh}" },
    "output-prefix": { type: "string", description: "Prefix of the outputs; default out/" },
    model: { type: "string", description: "name@version, or a name for its newest" },
    purpose: { type: "string", description: "What the labels are for; some keys require it" },
    "review-per-run": { type: "string", description: REVIEW_TEXT },
    readers: { type: "string", description: READERS_TEXT },
    alerts: { type: "string", description: ALERTS_TEXT },
    disabled: { type: "boolean", description: "Make it, but do not run it yet", default: false },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const { name, cron, manifest, store, prefix, model, purpose } = args;
    const template = { manifest, store, prefix, model, purpose, "output-prefix": args["output-prefix"] };
    const offset = readInteger("window-offset-hours", args["window-offset-hours"]);
    const review = readReview(args["review-per-run"], args.readers);
    const wanted: NewSchedule = {
      name,
      cron,
      enabled: !args.disabled,
      manifest: await readManifest(template),
      ...(offset === undefined ? {} : { windowOffsetHours: offset }),
      ...(review === undefined ? {} : { review }),
      ...(args.alerts === undefined ? {} : { alerts: await readJson(args.alerts) }),
    };
    const made = await connect(args).makeSchedule(wanted);
    if (args.json) return printJson(made);
    print(made.id);
    if (made.nextRuns[0] !== undefined) process.stderr.write(`next run ${formatMinute(made.nextRuns[0])} UTC\n`);
  },
});

const list = defineCommand({
  meta: { name: "list", description: "The schedules of this key" },
  args: { ...WEB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    if (args.web) return openConsole(args, "schedules");
    const schedules = await connect(args).listSchedules();
    if (args.json) return printJson(schedules);
    for (const schedule of schedules) print(describeSchedule(schedule));
    return undefined;
  },
});

function show(schedule: ScheduleView, json: boolean): void {
  if (json) return printJson(schedule);
  print(describeSchedule(schedule));
  for (const run of schedule.lastRuns) print(describeRun(run));
}

const get = defineCommand({
  meta: { name: "get", description: "Show a schedule with its runs, newest first" },
  args: { id: ID_ARG, ...WEB_ARG, ...CONNECTION_ARGS },
  async run({ args }) {
    const schedule = await connect(args).readSchedule(args.id);
    if (args.web) return openConsole(args, `schedules/${schedule.id}`);
    return show(schedule, args.json);
  },
});

const update = defineCommand({
  meta: { name: "update", description: "Change a schedule; options that are left out stay as they are" },
  args: {
    id: ID_ARG,
    name: { type: "string", description: "Another name" },
    cron: { type: "string", description: CRON_TEXT },
    "window-offset-hours": { type: "string", description: OFFSET_TEXT },
    manifest: { type: "string", description: "Manifest file, JSON (- reads standard input)" },
    baseline: { type: "string", description: "Job of a run that later runs are compared with too, or none" },
    "review-per-run": { type: "string", description: REVIEW_TEXT },
    readers: { type: "string", description: READERS_TEXT },
    alerts: { type: "string", description: ALERTS_TEXT },
    enable: { type: "boolean", description: "Start running it again", default: false },
    disable: { type: "boolean", description: "Stop running it", default: false },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const { enable, disable, baseline } = args;
    if (enable && disable)
      throw new ScoringError("validation_failed", "--enable and --disable exclude each other: give one of them");
    const change = pick({
      name: args.name,
      cron: args.cron,
      windowOffsetHours: readInteger("window-offset-hours", args["window-offset-hours"]),
      manifest: args.manifest === undefined ? undefined : await readJson(args.manifest),
      baselineJobId: baseline === "none" ? null : baseline,
      enabled: enable || disable ? enable : undefined,
      review: readReview(args["review-per-run"], args.readers),
      alerts: args.alerts === undefined ? undefined : await readJson(args.alerts),
    });
    if (Object.keys(change).length === 0) throw new UsageError("nothing to change: name what should change");
    show(await connect(args).changeSchedule(args.id, change), args.json);
  },
});

const run = defineCommand({
  meta: { name: "run", description: "Run a schedule now and print the job's id" },
  args: {
    id: ID_ARG,
    "due-at": { type: "string", description: "Run it for the window of another time, such as 2026-11-22T02:30:00Z" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const made = await connect(args).runSchedule(args.id, args["due-at"]);
    if (args.json) printJson(made);
    else print(made.failure === null ? (made.jobId ?? "") : describeRun(made));
    if (made.failure !== null) process.exitCode = EXIT_CODES.failed;
  },
});

/** By its id, or by a name that one schedule alone has. */
async function findSchedule(api: Api, text: string): Promise<ScheduleView> {
  const named = (await api.listSchedules()).filter(({ id, name }) => id === text || name === text);
  const [found] = named;
  if (found === undefined) throw new ScoringError("not_found", `no schedule has the id or name ${text}`);
  if (named.length > 1) throw new UsageError(`${named.length} schedules have the name ${text}: give an id`);
  return found;
}

const check = defineCommand({
  meta: {
    name: "check",
    description: "Say what the last run of a schedule should be looked into for; exits 6 if anything",
  },
  args: { schedule: { ...ID_ARG, description: "The schedule's id or name" }, ...CONNECTION_ARGS },
  async run({ args }) {
    const api = connect(args);
    const { id } = await findSchedule(api, args.schedule);
    const { alerts, reviews } = await api.readScheduleAlerts(id);
    if (args.json) printJson({ alerts, reviews });
    else for (const { subject, text, dueAt } of alerts) print(`${formatMinute(dueAt)}  ${subject}: ${showText(text)}`);
    if (alerts.length > 0) process.exitCode = EXIT_CODES.alerts;
  },
});

const remove = defineCommand({
  meta: { name: "delete", description: "Remove a schedule; the jobs of its runs stay" },
  args: { id: ID_ARG, ...CONNECTION_ARGS },
  run: ({ args }) => connect(args).removeSchedule(args.id),
});

/** `countenance schedule`: jobs that come again. */
export const scheduleCommand = defineCommand({
  meta: { name: "schedule", description: "Make, list, show, change, run, check and delete schedules" },
  subCommands: { create, list, get, update, run, check, delete: remove },
});
