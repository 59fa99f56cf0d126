import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parsePart } from "../../src/scoring/chunk/part.ts";
import type { ScoreRecord } from "../../src/scoring/records/records.ts";
import { measureFolder } from "./measure-folder.ts";

/** The package as a stranger gets it: packed, installed in an empty folder, used there from outside of this project. */

const root = join(import.meta.dirname, "../..");
const portraits = join(dirname(createRequire(import.meta.url).resolve("tabler-ui/package.json")), "dist/demo/faces");
const names = ["female/1.jpg", "female/2.jpg", "male/1.jpg", "male/2.jpg"];

let folder: string;
let tarball: string;

/** A shell without this project: its Node and what npm says of it are left out, so that the machine's own Node runs. */
const env = Object.fromEntries([
  ...Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|INIT_CWD)/i.test(name)),
  [
    "PATH",
    process.env["PATH"]!.split(delimiter)
      .filter((path) => !path.includes("node_modules"))
      .join(delimiter),
  ],
  ["NO_COLOR", "1"],
  ["npm_config_prefer_offline", "true"],
]);

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  try {
    return (await promisify(execFile)(command, args, { cwd, env, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (cause) {
    const { stdout, stderr } = cause as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout ?? ""}\n${stderr ?? ""}`, { cause });
  }
}

/** What both ways must tell of a picture. */
function tell({ key, status, label, model, pipeline }: ScoreRecord): readonly unknown[] {
  return [key.replace("photos/", ""), status, label, model, pipeline];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-package-"));
  // `prepack` builds, and refuses an API that is not the reported one.
  const packed = await run("npm", ["pack", "--silent", "--pack-destination", folder], root);
  tarball = join(folder, packed.trim().split("\n").at(-1) ?? "");
  await writeFile(join(folder, "package.json"), '{ "name": "stranger", "private": true, "type": "module" }\n');
  await run("npm", ["install", "--no-audit", "--no-fund", tarball], folder);
  for (const name of names) {
    await mkdir(dirname(join(folder, "photos", name)), { recursive: true });
    await cp(join(portraits, name), join(folder, "photos", name));
  }
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("the packed package", () => {
  it("has nothing that publint or Are The Types Wrong complains of", async () => {
    const { messages, pkg } = await publint({
      pkgDir: join(folder, "node_modules/countenance"),
      strict: true,
      pack: false,
    });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
    const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");
    // It ends with an error where a type does not resolve as the module does.
    const checked = run(process.execPath, [attw, tarball, "--profile", "esm-only", "--format", "ascii"], folder);
    await expect(checked).resolves.toContain("countenance/client");
  });

  it("takes less than 40 MB with all that it depends on", async () => {
    expect(await measureFolder(join(folder, "node_modules"))).toBeLessThan(40e6);
  });

  it("brings no tests, sources, training or benchmarks", async () => {
    for (const name of ["src", "test", "cli", "training", "bench", "scripts", "web"]) {
      await expect(stat(join(folder, "node_modules/countenance", name))).rejects.toThrow("ENOENT");
    }
  });

  it("has one version", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { readonly version: string };
    const cli = await run("npx", ["--no", "--", "countenance", "--version"], folder);
    expect(cli.trim()).toBe(version);
    const library = 'import { VERSION } from "countenance"; console.log(VERSION);';
    expect((await run("node", ["--input-type=module", "-e", library], folder)).trim()).toBe(version);
  });
});

describe("a stranger's program", () => {
  it("scores photographs by the command line and by the library alike", async () => {
    const args = ["score", "photos", "--faces", "largest", "--out", "out", "--json", "--threads", "2"];
    const report = JSON.parse(await run("npx", ["--no", "--", "countenance", ...args], folder)) as {
      readonly job: { readonly id: string };
      readonly denominators: { readonly scored: number };
    };
    expect(report.denominators.scored).toBe(names.length);
    const lines = await readFile(join(folder, "out", report.job.id, "labels.jsonl"));
    await writeFile(
      join(folder, "score.js"),
      `import { createScorer } from "countenance";
       const scorer = await createScorer({ faces: "largest" });
       const records = [];
       for await (const record of scorer.scoreAll(${JSON.stringify(names)}.map((name) => "photos/" + name))) records.push(record);
       console.log(JSON.stringify(records));`,
    );
    const byLibrary = JSON.parse(await run("node", ["score.js"], folder)) as readonly ScoreRecord[];
    expect(byLibrary.map(tell)).toEqual(parsePart(lines).map(tell));
  });

  it.each(["bundler", "nodenext"])("type-checks with moduleResolution %s", async (resolution) => {
    await writeFile(
      join(folder, "consumer.ts"),
      `import { aggregate, createScorer, readRecords, renderReport, type Report, type ScoreRecord } from "countenance";
       import { createApi, type JobEvent } from "countenance/client";
       const scorer = await createScorer({ model: "deep-emotion", faces: "all", engine: "fused" });
       const records: readonly ScoreRecord[] = await scorer.score({ picture: new Uint8Array(), groups: { night: "1" } });
       const report: Report = await aggregate(scorer.scoreAll(["a.jpg", new Blob()]), { groupBy: ["night"] });
       const page: string = renderReport(report);
       for await (const { label } of readRecords(new Response("").body!)) console.log(label, records, page);
       const api = createApi({ baseUrl: "http://127.0.0.1:8787", key: "key" });
       const { id } = await api.submitJob({
         input: { store: "faces", prefix: "in/" },
         output: { store: "faces", prefix: "out/" },
       });
       for await (const event of api.followJob(id, new AbortController().signal)) console.log((event as JobEvent).type);
       // @ts-expect-error there is no such model option
       await createScorer({ modle: "deep-emotion" });`,
    );
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          target: "es2022",
          lib: ["es2024", "dom", "dom.iterable", "dom.asynciterable"],
          module: resolution === "bundler" ? "esnext" : "nodenext",
          moduleResolution: resolution,
          strict: true,
          exactOptionalPropertyTypes: true,
          noEmit: true,
          types: [],
        },
        files: ["consumer.ts"],
      }),
    );
    expect(await run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], folder)).toBe("");
  });
});
