import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { type Api, createApi } from "../../src/client/api.ts";
import { isEnded } from "../../src/scoring/job/job-status.ts";
import { launchChromium } from "./chromium.ts";
import { listPortraits, LOCAL_KEY, signIn } from "./console-steps.ts";

/** A model of one's own, by dropping its file on the page of models. */

declare const axe: { run(): Promise<{ violations: { id: string }[] }> };

const golden = join(import.meta.dirname, "../golden/onnx");

let folder: string;
let worker: LocalWorker;
let browser: Browser;
let page: Page;
let api: Api;
const refused: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-models-"));
  worker = await startLocalWorker({ persistTo: folder });
  browser = await launchChromium();
  api = createApi({ baseUrl: worker.origin, key: LOCAL_KEY });
  page = await browser.newPage();
  await page.exposeFunction("tellRefused", (directive: string) => void refused.push(directive));
  await page.addInitScript(
    "document.addEventListener('securitypolicyviolation', (event) => tellRefused(`${event.violatedDirective} ${event.blockedURI}`))",
  );
  await page.goto(worker.origin);
  await signIn(page);
  await page.getByRole("link", { name: "Models" }).click();
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

const own = () => page.getByRole("region", { name: "Bring a model of your own" });

describe("a dropped model", () => {
  it("is refused in words where it is none, or none that can be read", async () => {
    await own().getByLabel("Choose a model").setInputFiles(join(golden, "mobile-17.json"));
    await own().getByRole("alert").waitFor();
    expect(await own().getByRole("alert").innerText()).toContain("tfjs model");
    const noModel = { name: "net.onnx", mimeType: "application/octet-stream", buffer: Buffer.from("no model at all") };
    await own().getByLabel("Choose a model").setInputFiles(noModel);
    await own().getByRole("alert").filter({ hasText: "ONNX" }).waitFor();
  });

  it("says what it is, and is asked for labels that fit", async () => {
    await own().getByLabel("Choose a model").setInputFiles(join(golden, "mobile-17.onnx"));
    await own().getByText("32 × 32, 3 channels").waitFor();
    await own().getByLabel("Labels").fill("calm, curious");
    await own().getByRole("button", { name: "Check it" }).click();
    await own().getByRole("alert").waitFor();
    expect(await own().getByRole("alert").innerText()).toMatch(/7|labels/);
    await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
    expect((await page.evaluate(() => axe.run())).violations.map(({ id }) => id)).toEqual([]);
  });

  it("is stored where the server finds it, and scores a job", async () => {
    await own().getByLabel("Name").fill("mobile");
    await own().getByLabel("Labels").fill("calm,curious,bored,amused,tired,alert,lost");
    await own().getByRole("button", { name: "Check it" }).click();
    await own().getByText("ms a face on one thread").waitFor();
    await own().getByRole("button", { name: "Store the model" }).click();
    await own().getByText("mobile@1 is stored").waitFor();
    await page.getByRole("region", { name: "Not measured" }).getByText("mobile@1").waitFor({ timeout: 60_000 });
    const [portrait = ""] = await listPortraits("female", 1);
    await api.upload("faces", `in/${basename(portrait)}`, new Uint8Array(await readFile(portrait)));
    const { id } = await api.submitJob({
      model: "mobile",
      input: { store: "faces", prefix: "in/" },
      faces: "aligned",
      output: { store: "faces", prefix: "out/" },
    });
    for await (const { job } of api.followJob(id, new AbortController().signal)) if (isEnded(job.status)) break;
    expect(await api.readJob(id)).toMatchObject({ status: "completed", model: "mobile@1" });
  });

  it("leaves the weights of a version as they are", async () => {
    await own().getByLabel("Choose a model").setInputFiles(join(golden, "plain-11.onnx"));
    await own().getByLabel("Name").fill("mobile");
    await own().getByRole("button", { name: "Check it" }).click();
    await own().getByText("ms a face on one thread").waitFor();
    await own().getByRole("button", { name: "Store the model" }).click();
    await own().getByRole("alert").waitFor();
    expect(await own().getByRole("alert").innerText()).toContain("there is a model mobile@1 already");
  });

  it("has no place in what a key is told that may not write there", async () => {
    const [store, prefix] = ["faces", "in/"];
    const scopes = ["jobs:read", "jobs:write", "objects:write"] as const;
    const bound = await api.makeKey({ name: "bound", scopes: [...scopes], grants: [{ store, prefix }] });
    const reader = await api.makeKey({ name: "reader", scopes: ["jobs:read"] });
    const place = async (key: string) => (await createApi({ baseUrl: worker.origin, key }).listModels()).place;
    expect(await place(LOCAL_KEY)).toEqual({ store: "faces", prefix: "models/" });
    expect(await place(bound.key)).toBeUndefined();
    expect(await place(reader.key)).toBeUndefined();
    const refused = createApi({ baseUrl: worker.origin, key: bound.key }).upload(
      "faces",
      "models/a@1/card.json",
      new Uint8Array(1),
    );
    await expect(refused).rejects.toMatchObject({ code: "forbidden" });
  });

  it("asks for nothing that the content security policy refuses", () => {
    expect(refused).toEqual([]);
  });
});
