import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { loadCodecs } from "../../src/image/codecs-node.ts";
import { createImageDecoder } from "../../src/image/decode.ts";
import { preprocessFace } from "../../src/image/preprocess.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { launchChromium } from "./chromium.ts";
import { listPortraits, LOCAL_KEY, openMore, signIn } from "./console-steps.ts";

/** What the page has of it; this file's own library has no DOM. */
declare class DataTransfer {
  readonly items: { add(file: unknown): void };
}

let folder: string;
let worker: LocalWorker;
let browser: Browser;
let page: Page;
let portrait: Buffer;

async function put(key: string, body: BodyInit): Promise<void> {
  const headers = { authorization: `Bearer ${LOCAL_KEY}` };
  const { status } = await fetch(`${worker.origin}/v1/stores/faces/objects/${key}`, { method: "PUT", headers, body });
  expect(status).toBeLessThan(300);
}

/** Starts a job by the API, as a script would. */
async function submit(
  objects: readonly Record<string, unknown>[],
  limits: Record<string, number> = {},
  rest: Record<string, unknown> = {},
): Promise<string> {
  const response = await fetch(`${worker.origin}/v1/jobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${LOCAL_KEY}` },
    body: JSON.stringify({
      input: { store: "faces", objects },
      faces: "aligned",
      output: { store: "faces", prefix: "out/", formats: ["jsonl"] },
      limits,
      ...rest,
    }),
  });
  expect(response.status).toBe(201);
  return ((await response.json()) as { id: string }).id;
}

/** The job's confusion matrix: how many faces are truly what. */
async function readTruths(): Promise<Record<string, number>> {
  await matrix.waitFor({ timeout: 90_000 });
  const cells = await matrix.locator("tbody tr").evaluateAll((rows) =>
    rows.map((row) => ({
      label: row.querySelector("th")?.textContent ?? "",
      sum: Number(row.querySelector("td:last-child")?.textContent),
    })),
  );
  return Object.fromEntries(cells.map(({ label, sum }) => [label, sum]));
}

const command = (name: string) => page.getByRole("button", { name, exact: true });
const status = (word: string) => page.locator("h1 .pill").filter({ hasText: new RegExp(`^${word}$`) });

let matrix: Locator;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-actions-"));
  const models = { store: "faces", prefix: "models/", ids: ["mine@1", "absent@1"] };
  worker = await startLocalWorker({ persistTo: folder, variables: { MODELS: JSON.stringify(models) } });
  browser = await launchChromium();
  page = await browser.newPage();
  matrix = page.getByRole("region", { name: "Confusion matrix of this job" });
  await page.goto(worker.origin);
  await signIn(page);
  const [path = ""] = await listPortraits("female", 1);
  portrait = await readFile(path);
  await put("actions/face.jpg", new Uint8Array(portrait));
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("a job's page", () => {
  it("pauses, resumes and cancels, and keeps what was scored", async () => {
    // One picture a chunk, one chunk at a time: long enough to be stopped by hand.
    const objects = Array.from({ length: 3000 }, (_, index) => ({ key: "actions/face.jpg", id: String(index) }));
    const id = await submit(objects, { chunkSize: 1, maxConcurrency: 1 });
    await page.goto(`${worker.origin}/#/jobs/${id}`);
    await command("Pause").click();
    await status("paused").waitFor();
    expect(await command("Pause").count()).toBe(0);
    await command("Resume").click();
    await command("Pause").waitFor();
    await page.locator('.legend:has-text("Scored")').first().waitFor({ timeout: 90_000 });
    await command("Cancel").click();
    await status("canceled").waitFor({ timeout: 90_000 });
    await page.locator('.legend:has-text("Cancelled")').first().waitFor();
    expect(await command("Cancel").count()).toBe(0);
    const view = await page.evaluate(async (job) => (await fetch(`/v1/jobs/${job}`)).json(), id);
    expect(view).toMatchObject({ status: "cancelled", counts: { finished: 3000 } });
    const { scored, cancelled } = (view as { counts: { outcomes: Record<"scored" | "cancelled", number> } }).counts
      .outcomes;
    expect(scored).toBeGreaterThan(0);
    expect(cancelled).toBeGreaterThan(0);
    expect(scored + cancelled).toBe(3000);
  });

  it("says that a job is open and how much came in, and seals it", async () => {
    const id = await submit([], {}, { input: { store: "faces", open: true } });
    await page.goto(`${worker.origin}/#/jobs/${id}`);
    await status("open, queued").waitFor();
    const headers = { authorization: `Bearer ${LOCAL_KEY}` };
    const body = `{"key":"actions/face.jpg"}`;
    const added = await fetch(`${worker.origin}/v1/jobs/${id}/inputs`, { method: "POST", headers, body });
    expect(added.status).toBe(200);
    await page.getByText("1 picture came in so far").waitFor({ timeout: 60_000 });
    await command("Seal").click();
    await status("completed").waitFor({ timeout: 90_000 });
    expect(await command("Seal").count()).toBe(0);
    const view = await page.evaluate(async (job) => (await fetch(`/v1/jobs/${job}`)).json(), id);
    expect(view).toMatchObject({ counts: { listed: 1, outcomes: { scored: 1 } }, open: { received: 1 } });
  });

  it("retries what failed as a new job over just that", async () => {
    await put("actions/broken.jpg", "no picture");
    const keys = ["actions/face.jpg", "actions/late.jpg", "actions/broken.jpg"];
    const id = await submit(keys.map((key) => ({ key })));
    await page.goto(`${worker.origin}/#/jobs/${id}`);
    await status("completed with errors").waitFor({ timeout: 90_000 });
    for (const key of keys.slice(1)) await put(key, new Uint8Array(portrait));
    await command("Retry what failed").click();
    await page.waitForURL((url) => /#\/jobs\/[0-9a-f-]{36}/.test(url.hash) && !url.hash.includes(id));
    await status("completed").waitFor({ timeout: 90_000 });
    await page.getByText("2 of 2 listed inputs were scored").waitFor();
    expect(await command("Retry what failed").count()).toBe(0);
  });

  it("shows the confusion matrix where truth is known, and nowhere else", async () => {
    expect(await matrix.count()).toBe(0);
    const labels = ["Happy", "Happy", "Sad", "Neutral"];
    const id = await submit(labels.map((label, index) => ({ key: "actions/face.jpg", id: String(index), label })));
    await page.goto(`${worker.origin}/#/jobs/${id}`);
    const sums = await readTruths();
    expect(sums).toMatchObject({ Happy: 2, Sad: 1, Neutral: 1, Angry: 0 });
  });

  it("deletes a job only when it is told so twice", async () => {
    const lastJob = page.url().split("/").at(-1) ?? "";
    await command("Delete …").click();
    await command("Delete job and outputs").click();
    await page.waitForURL(/#\/jobs$/);
    const answer = await fetch(`${worker.origin}/v1/jobs/${lastJob}`, {
      headers: { authorization: `Bearer ${LOCAL_KEY}` },
    });
    expect(answer.status).toBe(404);
  });
});

describe("the list of jobs", () => {
  it("leads to older jobs by keyboard, page by page, and refreshes the page in view alone", async () => {
    const old = Array.from({ length: 3000 }, (_, index) => ({ key: "actions/face.jpg", id: String(index) }));
    const running = await submit(old, { chunkSize: 1, maxConcurrency: 1 });
    for (let newer = 0; newer < 2; newer++) await submit([{ key: "actions/face.jpg" }]);
    const rows = page.locator(".job-row");
    const listIds = async (): Promise<string[]> =>
      (await rows.evaluateAll((links) => links.map((row) => row.querySelector("a")?.getAttribute("href") ?? ""))).map(
        (href) => href.split("/").at(-1) ?? "",
      );
    const turn = async (name: string): Promise<string[]> => {
      const [first] = await listIds();
      await page.getByRole("link", { name, exact: true }).press("Enter");
      await page.locator(`.jobs li:first-child a:not([href$="${first}"])`).waitFor();
      return listIds();
    };
    await page.goto(`${worker.origin}/#/jobs?limit=2`);
    await rows.nth(2).waitFor({ state: "detached" });
    await rows.first().waitFor();
    const seen = await listIds();
    expect(seen).toHaveLength(2);
    const second = await turn("Older jobs");
    expect(second[0]).toBe(running);
    expect(await page.locator("main").evaluate((main) => main.ownerDocument.activeElement === main)).toBe(true);

    const asked: URL[] = [];
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.pathname === "/v1/jobs") asked.push(url);
    });
    const latest = await submit([{ key: "actions/face.jpg" }]);
    await page.evaluate((id) => fetch(`/v1/jobs/${id}/cancel`, { method: "POST" }), running);
    await rows.first().getByText("canceled", { exact: true }).waitFor({ timeout: 90_000 });
    expect(await listIds()).toEqual(second);
    expect(new Set(asked.map(({ searchParams }) => searchParams.get("cursor")))).toEqual(new Set([seen.at(-1)]));

    seen.push(...second);
    // An address that is opened again, as by a reload or a link.
    await page.reload();
    await rows.first().waitFor();
    expect(await listIds()).toEqual(second);
    while ((await page.getByRole("link", { name: "Older jobs" }).count()) > 0) seen.push(...(await turn("Older jobs")));
    const all = await page.evaluate(async () => (await fetch("/v1/jobs?limit=100")).json());
    expect([latest, ...seen]).toEqual((all as { jobs: { id: string }[] }).jobs.map(({ id }) => id));
    expect((await turn("Newest jobs"))[0]).toBe(latest);
  });
});

describe("the form", () => {
  it("takes pictures that are dropped, and leaves what is none", async () => {
    await page.goto(`${worker.origin}/#/new`);
    await page.getByLabel("Upload pictures").check();
    const transfer = await page.evaluateHandle((base64) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      const dropped = new DataTransfer();
      dropped.items.add(new File([bytes], "one.jpg", { type: "image/jpeg" }));
      dropped.items.add(new File([bytes], "two.jpg", { type: "image/jpeg" }));
      dropped.items.add(new File(["words"], "notes.txt", { type: "text/plain" }));
      return dropped;
    }, portrait.toString("base64"));
    const zone = page.locator(".drop");
    await zone.dispatchEvent("dragover", { dataTransfer: transfer });
    await page.locator(".drop.over").waitFor();
    await zone.dispatchEvent("drop", { dataTransfer: transfer });
    await page.getByText("2 pictures", { exact: true }).waitFor();
    expect(await page.locator(".drop.over").count()).toBe(0);
    await openMore(page);
    await page.getByLabel("Faces").selectOption("aligned");
    await page.getByRole("button", { name: "Start the job" }).click();
    await page.waitForURL(/#\/jobs\/[0-9a-f-]{36}/, { timeout: 90_000 });
    await page.getByText("2 of 2 listed inputs were scored").waitFor({ timeout: 90_000 });
  });

  it("uploads a table of FER2013's layout, and measures the labels against its own", async () => {
    const decoder = createImageDecoder(await loadCodecs(), LIMITS.image);
    const { raster } = await decoder.decode(new Uint8Array(portrait));
    const pixels = [...preprocessFace(raster, null)].join(" ");
    const rows = [3, 3, 4, 6].map((emotion) => `${emotion},${pixels},PublicTest`);
    const table = join(folder, "table.csv");
    await writeFile(table, ["emotion,pixels,Usage", ...rows, ""].join("\n"));
    await page.goto(`${worker.origin}/#/jobs`);
    await page.goto(`${worker.origin}/#/new`);
    await page.getByLabel("Choose pictures").setInputFiles([table]);
    await page.getByText("1 file was left out").waitFor();
    await openMore(page);
    await page.getByLabel("Format").selectOption("fer2013-csv");
    await page.getByLabel("Choose tables").setInputFiles([table]);
    await page.getByText("1 table", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Start the job" }).click();
    await page.waitForURL(/#\/jobs\/[0-9a-f-]{36}/, { timeout: 90_000 });
    await page.getByText("4 of 4 listed inputs were scored").waitFor({ timeout: 90_000 });
    expect(await readTruths()).toMatchObject({ Happy: 2, Sad: 1, Neutral: 1, Angry: 0 });
    await page.getByRole("tab", { name: "Pictures" }).click();
    await page.locator(".face img").first().waitFor();
  });

  it("offers a model of a store, says where it cannot be computed, and does without one that is missing", async () => {
    const models = join(import.meta.dirname, "../../models/deep-emotion@2");
    const card = JSON.parse(await readFile(join(models, "card.json"), "utf8")) as Record<string, unknown>;
    await put("models/mine@1/card.json", JSON.stringify({ ...card, name: "mine", version: 1 }));
    await put("models/mine@1/weights.safetensors", new Uint8Array(await readFile(join(models, "weights.safetensors"))));
    await page.goto(`${worker.origin}/#/models`);
    await page.getByRole("checkbox", { name: "mine@1", exact: true }).waitFor();
    await page.getByRole("alert").filter({ hasText: "absent@1 cannot be used" }).waitFor();
    await page.goto(`${worker.origin}/#/new`);
    await page.getByLabel("A prefix of a store").check();
    await page.getByLabel("Prefix", { exact: true }).fill("actions/face");
    await openMore(page);
    await page.getByLabel("Faces").selectOption("aligned");
    await page.getByLabel("Model").selectOption("mine@1");
    await page.getByLabel("Scored by").selectOption("auto");
    await page.getByRole("button", { name: "Start the job" }).click();
    await page.waitForURL(/#\/jobs\/[0-9a-f-]{36}/, { timeout: 90_000 });
    await status("completed").waitFor({ timeout: 90_000 });
    await page.getByText("mine@1").first().waitFor();
    const id = page.url().split("/").at(-1) ?? "";
    const lock = await page.evaluate(async (job) => (await fetch(`/v1/jobs/${job}/outputs/run.lock.json`)).json(), id);
    expect(lock).toMatchObject({ model: { id: "mine@1", sha256: card["sha256"] } });
    // The server alone has its weights.
    const objects = Array.from({ length: 3000 }, (_, index) => ({ key: "actions/face.jpg", id: String(index) }));
    const long = await submit(objects, { chunkSize: 1, maxConcurrency: 1 }, { model: "mine@1", execution: "auto" });
    await page.goto(`${worker.origin}/#/jobs/${long}`);
    await page.getByText("The console has no weights of mine@1").waitFor();
    expect(await command("Start").count()).toBe(0);
    await command("Cancel").click();
    await status("canceled").waitFor({ timeout: 90_000 });
  });
});
