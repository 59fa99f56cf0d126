/** `npm run bench`: every engine, one run, one table. `-- --seconds 5` shortens it, `-- --model name@version` chooses the weights. */

import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listFolderModels } from "../src/backends/models-node.ts";
import { createRegistry } from "../src/model/registry.ts";
import { measureImages } from "./images.ts";
import { makeJobInputs } from "./job-inputs.ts";
import { measureJobs } from "./jobs.ts";
import { describeMachine, repeatPinned, runOnCores } from "./machine.ts";
import { measureNetwork } from "./network.ts";
import { measureModels } from "./other-models.ts";
import { listPortraits, readFaces } from "./portraits.ts";
import { profileKernel } from "./profile.ts";
import { wrapProse } from "./wrap-prose.ts";
import { renderReport, type BenchRun } from "./report.ts";
import { profileStages } from "./stages.ts";
import type { ThreadsResult } from "./threads.ts";
import { measureWebgpu } from "./webgpu.ts";
import { startWorkerdEngines } from "./workerd.ts";

const root = join(import.meta.dirname, "..");
const BATCHES = [1, 8, 64];

const DEFAULT_SECONDS = 20;
const DEFAULT_FACES = 5000;

function tell(part: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${part}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: String(DEFAULT_SECONDS) },
      model: { type: "string", default: "deep-emotion" },
      name: { type: "string", default: "latest" },
      faces: { type: "string", default: String(DEFAULT_FACES) },
    },
  });
  const seconds = Number(values.seconds);
  const registry = createRegistry(await listFolderModels());
  const id = registry.resolve(values.model);
  const model = await registry.load(id);
  const machine = describeMachine();
  const portraits = await listPortraits();
  const faces = await readFaces(portraits, Math.max(...BATCHES));
  const workerd = await startWorkerdEngines(id, faces);
  const network = [];
  for (const batch of BATCHES) {
    tell(`network, ${batch} a call`);
    network.push(await measureNetwork(model, faces, batch, seconds, workerd.engines));
  }
  tell("other models");
  const models = await measureModels(registry, faces, 64, seconds, workerd);
  await workerd.dispose();
  tell("profile of the kernel");
  const profile = await profileKernel(model, faces, Math.max(...BATCHES));
  tell("files");
  const images = await measureImages(model, portraits, seconds / 4);
  tell("browser");
  const webgpu = await measureWebgpu(id, faces, seconds / 4);
  tell("steps of a job");
  const stages = [];
  for (const input of await makeJobInputs(faces, 1024)) stages.push(await profileStages(input, 3));
  tell("jobs");
  const full = Number(values.faces);
  const jobs = await measureJobs(await makeJobInputs(faces, 64), await makeJobInputs(faces, full));
  tell("threads");
  const printed = await runOnCores([...cpus().keys()], "threads.ts", ["--faces", String(12 * full)]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what threads.ts prints
  const threads = JSON.parse(printed) as ThreadsResult[];
  const changed = [
    ...(seconds === DEFAULT_SECONDS ? [] : [`--seconds ${seconds}`]),
    ...(full === DEFAULT_FACES ? [] : [`--faces ${full}`]),
  ];
  const run: BenchRun = {
    command: ["cd bench && npm ci && npm run bench", ...(changed.length === 0 ? [] : ["--", ...changed])].join(" "),
    date: new Date().toISOString().slice(0, 10),
    model: id,
    machine,
    network,
    models,
    profile,
    images,
    webgpu,
    stages,
    jobs,
    threads,
  };
  await mkdir(join(import.meta.dirname, "results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "results", `${values.name}.json`), `${JSON.stringify(run, null, 1)}\n`);
  const report = wrapProse(renderReport(run));
  if (values.name === "latest") await writeFile(join(root, "docs", "benchmarks.md"), report);
  process.stdout.write(report);
}

const status = repeatPinned();
if (status === null) await main();
else process.exitCode = status;
