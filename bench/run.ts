/** `npm run bench`: every engine, one run, one table. `-- --seconds 5` shortens it, `-- --model name@version` chooses the weights. */

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { listDirectoryModels } from "../src/backends/models-node.ts";
import { loadCodecs } from "../src/image/codecs-node.ts";
import { createImageDecoder } from "../src/image/decode.ts";
import { FACE_BYTES, preprocessFace } from "../src/image/preprocess.ts";
import { createRegistry } from "../src/model/registry.ts";
import { LIMITS } from "../src/scoring/limits.ts";
import { measureImages } from "./images.ts";
import { measureJobs } from "./jobs.ts";
import { describeMachine, repeatPinned } from "./machine.ts";
import { measureNetwork } from "./network.ts";
import { listPortraits } from "./portraits.ts";
import { startWorkerdEngines } from "./workerd.ts";
import { profileKernel } from "./profile.ts";
import { renderReport, type BenchRun } from "./report.ts";

const root = join(import.meta.dirname, "..");
const BATCHES = [1, 8, 64];

/** The portraits as the network takes them, repeated to `count` faces. */
async function readFaces(portraits: readonly string[], count: number): Promise<Uint8Array> {
  const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
  const faces = new Uint8Array(count * FACE_BYTES);
  for (let i = 0; i < count; i++) {
    const { raster } = await decoder.decode(await readFile(portraits[i % portraits.length]!));
    faces.set(preprocessFace(raster, null), i * FACE_BYTES);
  }
  return faces;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "20" },
      model: { type: "string", default: "deep-emotion" },
      name: { type: "string", default: "latest" },
      faces: { type: "string", default: "5000" },
    },
  });
  const seconds = Number(values.seconds);
  const registry = createRegistry((await listDirectoryModels()).filter((source) => source.id.startsWith("deep-")));
  const id = registry.resolve(values.model);
  const model = await registry.load(id);
  const machine = describeMachine();
  const portraits = await listPortraits();
  const faces = await readFaces(portraits, Math.max(...BATCHES));
  const workerd = await startWorkerdEngines(id, faces);
  const network = [];
  for (const batch of BATCHES) {
    process.stderr.write(`network, ${batch} a call\n`);
    network.push(await measureNetwork(model, faces, batch, seconds, workerd.engines));
  }
  await workerd.dispose();
  process.stderr.write("profile\n");
  const profile = await profileKernel(model, faces, Math.max(...BATCHES));
  process.stderr.write("files\n");
  const images = await measureImages(model, portraits, seconds / 4);
  process.stderr.write("jobs\n");
  const jobs = await measureJobs(faces, Number(values.faces));
  const run: BenchRun = {
    command: `cd bench && npm ci && npm run bench${seconds === 20 ? "" : ` -- --seconds ${seconds}`}`,
    date: new Date().toISOString().slice(0, 10),
    model: id,
    machine,
    network,
    profile,
    images,
    jobs,
  };
  await mkdir(join(import.meta.dirname, "results"), { recursive: true });
  await writeFile(join(import.meta.dirname, "results", `${values.name}.json`), `${JSON.stringify(run, null, 1)}\n`);
  const report = renderReport(run);
  if (values.name === "latest") await writeFile(join(root, "docs", "benchmarks.md"), report);
  process.stdout.write(report);
}

const status = repeatPinned();
if (status === null) await main();
else process.exitCode = status;
