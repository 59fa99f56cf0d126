/**
 * Lighthouse over every main page: `node scripts/measure-lighthouse.ts [--rounds 3] [--page NAME …]`, after `npm run build:web`. The server is
 * one of its own (`countenance serve`), with two jobs over 48 portraits and a schedule; Lighthouse comes by `npx` and drives the tests' Chromium. Prints the table
 * of docs/console.md: the median of the rounds, on Lighthouse's phone (simulated slow 4G, the processor slowed by four).
 */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { z } from "zod";
import { type Api, createApi } from "../src/client/api.ts";
import { createConsoleLogger } from "../src/log.ts";
import { isEnded } from "../src/scoring/job/job-status.ts";
import { startServer } from "../src/serve/server.ts";
import { launchChromium } from "../test/browser/chromium.ts";
import { listPortraits } from "../test/browser/console-steps.ts";

const LIGHTHOUSE = "lighthouse@13.5.0";
const ADMIN_KEY = "the-key-of-one-measurement-on-this-machine";
const CATEGORIES = ["performance", "accessibility", "best-practices"] as const;
const METRICS = ["first-contentful-paint", "largest-contentful-paint", "total-blocking-time"] as const;

/** What is read of Lighthouse's answer. */
const answerSchema = z.object({
  lighthouseVersion: z.string(),
  environment: z.object({ benchmarkIndex: z.number() }),
  categories: z.record(z.string(), z.object({ score: z.number() })),
  audits: z.record(
    z.string(),
    z.object({ score: z.number().nullable(), numericValue: z.number().optional(), scoreDisplayMode: z.string() }),
  ),
});
type Answer = z.infer<typeof answerSchema>;

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, page: { type: "string", multiple: true } },
});
const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), "countenance-lighthouse-"));
const quiet = createConsoleLogger();
const server = await startServer({
  dataFolder: join(folder, "data"),
  host: "127.0.0.1",
  port: 0,
  threads: availableParallelism(),
  variables: { ADMIN_KEY },
  siteFolder: join(import.meta.dirname, "../public"),
  logger: { ...quiet, log: () => undefined },
});
const api = createApi({ baseUrl: server.origin, key: ADMIN_KEY });

/** A job over all portraits, to its end. */
async function runJob(client: Api, name: string, model: string): Promise<string> {
  const { id } = await client.submitJob({
    name,
    model,
    input: { store: "faces", prefix: "in/" },
    faces: "aligned",
    output: { store: "faces", prefix: "out/" },
  });
  for await (const { job } of client.followJob(id, new AbortController().signal)) if (isEnded(job.status)) break;
  return id;
}

await mkdir(join(folder, "answers"));
for (const path of [...(await listPortraits("female", 24)), ...(await listPortraits("male", 24))]) {
  await api.upload("faces", `in/${basename(join(path, ".."))}-${basename(path)}`, new Uint8Array(await readFile(path)));
}
const other = await runJob(api, "portraits, the model before", "deep-emotion@2");
const job = await runJob(api, "portraits", "deep-emotion@3");
const manifest = { input: { store: "faces", prefix: "in/" }, output: { store: "faces", prefix: "out/" } };
const schedule = await api.makeSchedule({ name: "by night", cron: "30 2 * * *", manifest });

// The driver unpacks Chromium and its libraries; Lighthouse starts it by itself.
const browser = await launchChromium();
const { default: chromium } = await import("@sparticuz/chromium");
const chromePath = await chromium.executablePath();
const version = browser.version();
const context = await browser.newContext();
await context.request.post(`${server.origin}/v1/session`, { data: { key: ADMIN_KEY } });
const cookies = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
await browser.close();
const headers = join(folder, "headers.json");
await writeFile(headers, JSON.stringify({ Cookie: cookies }));

const PAGES = [
  ["door", "", false],
  ["try", "#/try", false],
  ["jobs", "#/jobs", true],
  ["job", `#/jobs/${job}`, true],
  ["pictures", `#/jobs/${job}?tab=pictures`, true],
  ["compare", `#/jobs/${job}?tab=compare&with=${other}`, true],
  ["new", "#/new", true],
  ["schedules", "#/schedules", true],
  ["schedule", `#/schedules/${schedule.id}`, true],
  ["models", "#/models", true],
  ["docs", "docs", false],
] as const;

async function look(name: string, path: string, isSignedIn: boolean, round: number): Promise<Answer> {
  const file = join(folder, "answers", `${name}-${round}.json`);
  await run(
    "npx",
    [
      "--yes",
      LIGHTHOUSE,
      `${server.origin}/${path}`,
      "--quiet",
      "--output=json",
      `--output-path=${file}`,
      `--only-categories=${CATEGORIES.join(",")}`,
      "--chrome-flags=--headless=new --no-sandbox",
      ...(isSignedIn ? [`--extra-headers=${headers}`] : []),
    ],
    { env: { ...process.env, CHROME_PATH: chromePath }, cwd: folder },
  );
  return answerSchema.parse(JSON.parse(await readFile(file, "utf8")));
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
const write = (line: string): void => void process.stdout.write(`${line}\n`);
write("| page | performance | accessibility | best practices | first paint | largest paint | blocked | machine |");
write("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
let told = "";
for (const [name, path, isSignedIn] of PAGES) {
  if (values.page !== undefined && !values.page.includes(name)) continue;
  const answers: Answer[] = [];
  for (let round = 0; round < Number(values.rounds); round++) answers.push(await look(name, path, isSignedIn, round));
  const [first] = answers;
  told = `Lighthouse ${first?.lighthouseVersion}`;
  const cells = [
    ...CATEGORIES.map((category) => {
      const scores = answers.map(({ categories }) => Math.round(100 * (categories[category]?.score ?? 0)));
      const lowest = Math.min(...scores);
      return lowest === median(scores) ? `${lowest}` : `${median(scores)} (lowest ${lowest})`;
    }),
    ...METRICS.map((metric, at) => {
      const ms = median(answers.map(({ audits }) => audits[metric]?.numericValue ?? 0));
      return at === 2 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
    }),
    median(answers.map(({ environment }) => environment.benchmarkIndex)).toFixed(0),
  ];
  write(`| ${name} | ${cells.join(" | ")} |`);
  const failing = Object.entries(first?.audits ?? {}).filter(
    ([, { score, scoreDisplayMode }]) => scoreDisplayMode === "binary" && score !== null && score < 1,
  );
  if (failing.length > 0) process.stderr.write(`${name}: ${failing.map(([audit]) => audit).join(", ")}\n`);
}
write("");
write(
  `${told}, Chromium ${version}, ${cpus()[0]?.model}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}`,
);
await server.stop();
if (process.env.KEEP === undefined) await rm(folder, { recursive: true, force: true });
process.exit();
