import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createApi } from "../../src/client/api.ts";
import { createReviewApi } from "../../src/client/review-api.ts";
import { ADMIN, type Deployment, startPlatform } from "./platform.ts";

/** The command line against a real `wrangler dev`: what it prints, writes and returns. */

const root = join(import.meta.dirname, "../..");
/** Twelve of them are scored in a second. */
const PORTRAITS = join(root, "node_modules/tabler-ui/dist/demo/faces/female");
const readPortrait = async (name: string) => new Uint8Array(await readFile(join(PORTRAITS, name)));
let worker: Deployment;
let folder = "";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const variables = { ...process.env, COUNTENANCE_URL: worker.origin, COUNTENANCE_KEY: ADMIN, ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, "cli/countenance.ts"), ...args], { env: variables }, (error, out, err) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-cli-"));
  worker = await startPlatform({ persistTo: join(folder, "state") });
  const api = createApi({ baseUrl: worker.origin, key: ADMIN });
  for (const name of ["grey-48x48.png", "q90-47x49.jpg"]) {
    await api.upload("faces", `good/${name}`, new Uint8Array(await readFile(join(root, "test/golden/images", name))));
    await api.upload("faces", `mixed/${name}`, new Uint8Array(await readFile(join(root, "test/golden/images", name))));
  }
  await api.upload("faces", "mixed/z.png", new TextEncoder().encode("no picture"));
});

afterAll(async () => {
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("countenance", () => {
  it("submits, follows, fetches and verifies a job", async () => {
    const dry = await run(["submit", "--store", "faces", "--prefix", "good/", "--dry-run", "--json"]);
    expect([dry.code, dry.err]).toEqual([0, ""]);
    expect(JSON.parse(dry.out)).toMatchObject({ objects: 2, complete: true });
    const manifest = join(folder, "manifest.json");
    await writeFile(
      manifest,
      JSON.stringify({ input: { store: "faces", prefix: "good/" }, output: { store: "faces" } }),
    );
    const done = await run(["submit", manifest, "--name", "from a file", "--watch", "--json"]);
    expect([done.code, done.err.includes("error")]).toEqual([0, false]);
    const job = JSON.parse(done.out) as { id: string; status: string; name: string };
    expect(job).toMatchObject({ status: "completed", name: "from a file" });
    const watched = await run(["watch", job.id]);
    expect([watched.code, watched.out.includes("Apparent expression")]).toEqual([0, true]);
    const labels = await run(["get", job.id, "labels"]);
    expect(labels.out.trimEnd().split("\n")).toHaveLength(2);
    const file = join(folder, "labels.jsonl");
    await run(["get", job.id, "labels", "--out", file]);
    expect(await readFile(file, "utf8")).toBe(labels.out);
    // There is nothing to copy: what lies there stays.
    const absent = await run(["get", job.id, "labels.parquet", "--out", file]);
    expect([absent.code, await readFile(file, "utf8")]).toEqual([2, labels.out]);
    const nowhere = await run(["get", job.id, "labels", "--out", join(folder, "absent/labels.jsonl")]);
    expect([nowhere.code, nowhere.err]).toEqual([2, expect.stringMatching(/^error: .*: no such file or directory\n$/)]);
    expect((await run(["list"])).out).toContain(job.id);
    const compared = await run(["compare", job.id.slice(-12), file, "--json"]);
    expect([compared.code, compared.err]).toEqual([0, ""]);
    expect(JSON.parse(compared.out)).toMatchObject({
      first: job.id,
      second: file,
      faces: { compared: 2 },
      agreement: { agreed: 2 },
    });
    const verified = await run(["verify", job.id, "--json"]);
    expect(verified.code).toBe(0);
    const verdicts = JSON.parse(verified.out) as { name: string; state: string }[];
    expect(verdicts.map(({ name }) => name)).toContain("labels.jsonl");
    expect((await run(["models"])).out).toContain("deep-emotion@1");
    await createApi({ baseUrl: worker.origin, key: ADMIN }).upload(
      "faces",
      `out/${job.id}/labels.csv`,
      new TextEncoder().encode("spoiled"),
    );
    expect((await run(["verify", job.id])).code).toBe(1);
  });

  it("opens a job, adds lists to it, each input once, and seals it", async () => {
    const open = await run(["submit", "--store", "faces", "--open", "--json"]);
    const { id } = JSON.parse(open.out) as { id: string };
    const list = join(folder, "inputs.jsonl");
    await writeFile(list, `{"key":"mixed/q90-47x49.jpg"}\n`);
    const added = await run(["add", id, list, list]);
    expect([added.code, added.out, added.err]).toEqual([0, "1 added, 1 known before, 1 in all\n", ""]);
    await writeFile(list, `{"key":"good/a.jpg"}\n\n{"key":7}\n`);
    const refused = await run(["add", id, list]);
    expect([refused.code, refused.err]).toEqual([2, expect.stringContaining(`${list}:3: the key must be a string`)]);
    expect((await run(["add", id, join(folder, "absent.jsonl")])).err).toContain("absent.jsonl: no such file");
    expect((await run(["seal", id.slice(-12)])).code).toBe(0);
    const watched = await run(["watch", id, "--json"]);
    expect([watched.code, JSON.parse(watched.out)]).toMatchObject([
      0,
      { counts: { listed: 1 }, open: { received: 1 } },
    ]);
  });

  it("says by its exit code that inputs failed, and takes them up again", async () => {
    const done = await run(["submit", "--store", "faces", "--prefix", "mixed/", "--watch", "--json"]);
    expect(done.code).toBe(3);
    const job = JSON.parse(done.out) as { id: string };
    const retry = await run(["retry-failed", job.id, "--json"]);
    expect(JSON.parse(retry.out)).toMatchObject({ retryOf: job.id });
    const { code, err } = await run(["pause", job.id]);
    expect([code, err.includes("cannot pause")]).toEqual([2, true]);
  });

  it("erases an image from every job that holds it, and the outputs verify again", async () => {
    const image = "mixed/q90-47x49.jpg";
    const done = await run([
      "submit",
      "--store",
      "faces",
      "--prefix",
      "mixed/",
      "--name",
      "to erase",
      "--watch",
      "--json",
    ]);
    const job = JSON.parse(done.out) as { id: string };
    expect((await run(["get", job.id, "labels"])).out).toContain(image);
    const erased = await run(["erase", "faces", image, "--json"]);
    expect([erased.code, erased.err]).toEqual([0, ""]);
    expect(JSON.parse(erased.out)).toContainEqual({ id: job.id, state: "done", inputs: 1, message: null });
    const labels = await run(["get", job.id, "labels"]);
    expect(labels.out.trimEnd().split("\n")).toHaveLength(2);
    expect(labels.out).not.toContain(image);
    expect((await run(["verify", job.id])).code).toBe(0);
    const nowhere = await run(["erase", "faces", "elsewhere/face.jpg"]);
    // A job over a list of inputs is searched all the same; one over a prefix is not even asked.
    expect([nowhere.code, nowhere.out.includes(job.id)]).toEqual([0, false]);
    expect((await run(["erase", "nowhere", image])).code).toBe(2);
  });

  it("shows no more after Ctrl-C, says so by its exit code, and leaves the job alone", async () => {
    const submit = ["submit", "--store", "faces", "--prefix", "good/", "--json"];
    const manifest = join(folder, "client.json");
    await writeFile(manifest, JSON.stringify({ execution: "client" }));
    const { id } = JSON.parse((await run([...submit, manifest])).out) as { id: string };
    const variables = { ...process.env, COUNTENANCE_URL: worker.origin, COUNTENANCE_KEY: ADMIN };
    const watching = spawn(process.execPath, [join(root, "cli/countenance.ts"), "watch", id], { env: variables });
    let err = "";
    watching.stderr.on("data", (data: Buffer) => {
      // The bar stands: it follows the job.
      if (err === "") watching.kill("SIGINT");
      err += data.toString();
    });
    const ended = await new Promise((resolve) => watching.once("close", (code) => resolve(code)));
    expect([ended, err]).toEqual([130, expect.stringContaining(`the job goes on: countenance watch ${id}`)]);
    expect((await run(["get", id])).out).not.toMatch(/cancel|fail|completed/);
    expect((await run(["cancel", id])).code).toBe(0);
  });

  it("shows names that others chose as one line of text, whatever a terminal would obey", async () => {
    const name = "a\u001b[2Jb\u001b]0;c\u0007\nd\u009b31m\u202ee";
    const file = join(folder, "named.json");
    await writeFile(
      file,
      JSON.stringify({ name, input: { store: "faces", objects: [{ key: "x\u001b[2J" }] }, output: { store: "faces" } }),
    );
    const done = await run(["submit", file, "--watch"]);
    const list = await run(["list", "--limit", "1"]);
    expect(list.out).toContain("a\ufffd[2Jb\ufffd]0;c\ufffd\ufffdd\ufffd31m\ufffde\n");
    for (const text of [done.out, done.err, list.out]) {
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }
    const [job] = JSON.parse((await run(["list", "--limit", "1", "--json"])).out) as { name: string }[];
    expect(job?.name).toBe(name);
  });

  it("draws a review for a wished interval, tells its figures, hands its answers out, and deletes it", async () => {
    const api = createApi({ baseUrl: worker.origin, key: ADMIN });
    const names = (await readdir(PORTRAITS)).sort().slice(0, 12);
    for (const name of names) await api.upload("faces", `portraits/${name}`, await readPortrait(name));
    const submitted = ["submit", "--store", "faces", "--prefix", "portraits/", "--watch", "--json"];
    const { id } = JSON.parse((await run(submitted)).out) as { id: string };
    expect((await run(["review", id])).err).toContain("the job has no review: draw one first");
    const dry = await run(["review", id.slice(-12), "--dry-run", "--half-width", "5"]);
    expect([dry.code, dry.out]).toEqual([
      0,
      expect.stringMatching(/^would draw \d+ of \d+ faces, from \d+ strata; shares/),
    ]);
    const none = await run(["review", id, "--draw", "--half-width", "wide"]);
    expect([none.code, none.err]).toEqual([2, expect.stringContaining("--half-width: must be points")]);
    const drawn = await run(["review", id, "--draw", "--size", "20", "--readers", "anna, ben", "--json"]);
    const plan = JSON.parse(drawn.out) as { size: number };
    expect((await run(["review", id, "--draw", "--size", "20"])).err).toContain("delete it before another is drawn");
    expect((await run(["review", id])).out).toMatch(/^0 of \d+ drawn faces were read\. \d+ more answers are needed/);
    const answers = Array.from({ length: plan.size }, (_, at) => ({
      at,
      label: at === 0 ? "cannot say" : at % 3 === 2 ? "Sad" : "Happy",
      seconds: 1,
    }));
    for (const reader of ["anna", "ben"]) await createReviewApi(api).answer(id, reader, answers);
    const told = (await run(["review", id.slice(-12)])).out;
    expect(told).toContain("the model is right for");
    expect(told).toContain("review and model");
    expect(told).toContain("Krippendorff's alpha of the readers: 1.00");
    expect(told).toContain("no label can be given to");
    expect(told).toMatch(/for the next run: \d\.\d\d times the temperature/);
    const lines = (await run(["review", id, "--lines"])).out.trimEnd().split("\n");
    expect(lines).toHaveLength(2 * plan.size);
    expect(JSON.parse(lines[1]!)).toMatchObject({ reader: "anna", label: "Happy", at: 1 });
    expect((await run(["review", id, "--delete"])).code).toBe(0);
    expect((await run(["review", id])).code).toBe(2);
  });

  it("makes, rotates and removes keys; explains what is refused", async () => {
    const made = await run(["key", "create", "tester", "--grants", "faces/good/", "--json"]);
    const { id, key } = JSON.parse(made.out) as { id: string; key: string };
    const foreign = await run(["submit", "--store", "faces", "--prefix", "mixed/"], { COUNTENANCE_KEY: key });
    expect([foreign.code, foreign.err.includes("input.prefix")]).toEqual([5, true]);
    const rotated = await run(["key", "rotate", id, "--overlap-seconds", "0"]);
    expect((await run(["list"], { COUNTENANCE_KEY: key })).code).toBe(5);
    expect((await run(["list"], { COUNTENANCE_KEY: rotated.out.trim() })).code).toBe(0);
    expect((await run(["key", "list"])).out).toContain("tester");
    expect((await run(["key", "remove", id])).code).toBe(0);
    const gone = await run(["key", "remove", id]);
    expect([gone.code, gone.err.includes("countenance key list")]).toEqual([2, true]);
    expect((await run(["list"], { COUNTENANCE_KEY: rotated.out.trim() })).code).toBe(5);
  });

  it("names every finding, the missing key, and the server that is not there", async () => {
    const wrong = await run(["submit", "--store", "nowhere", "--prefix", "a/", "--model", "x@9"]);
    expect([wrong.code, wrong.err.includes("input.store"), wrong.err.includes("model")]).toEqual([2, true, true]);
    expect((await run(["list"], { COUNTENANCE_KEY: "" })).code).toBe(5);
    const away = await run(["list"], { COUNTENANCE_URL: "http://127.0.0.1:1" });
    expect([away.code, away.err.includes("COUNTENANCE_URL")]).toEqual([4, true]);
    expect((await run(["submit"])).code).toBe(2);
    expect((await run(["get", "00000000-0000-7000-8000-000000000000"])).code).toBe(2);
  });
});
