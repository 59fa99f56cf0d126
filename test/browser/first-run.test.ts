import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { LABELS } from "../../src/model/labels.ts";
import { type LocalWorker, startLocalWorker } from "../../scripts/local-worker.ts";
import { makeBuiltInKey } from "../../src/http/auth.ts";
import { makeSignInCode } from "../../src/http/sign-in-code.ts";
import { formatCsvHeader, formatCsvRows } from "../../src/scoring/outputs/labels-csv.ts";
import { parseRecord } from "../../src/scoring/records/record-line.ts";
import { launchChromium } from "./chromium.ts";
import { LOCAL_KEY, signIn } from "./console-steps.ts";

/** What somebody does who has just started the server: follow its link, run the demo, try samples and the camera. */

declare const axe: { run(): Promise<{ violations: { id: string }[] }> };

const FIRST_VIEW_BYTES = 60_000;

/** What is read of the API's description: operations by path and method. */
const operationsSchema = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ operationId: z.string(), tags: z.array(z.string()).length(1) })),
  ),
});

let folder: string;
let worker: LocalWorker;
let browser: Browser;
let axeSource: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "countenance-first-run-"));
  worker = await startLocalWorker({ persistTo: folder });
  browser = await launchChromium();
  axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
});

afterAll(async () => {
  await browser?.close();
  await worker?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe("a first run", () => {
  it("signs in by a link, once, and takes the code out of the address", async () => {
    const code = await makeSignInCode(await makeBuiltInKey("local-development", LOCAL_KEY), Date.now());
    const link = `${worker.origin}/#/sign-in?code=${code}`;
    const open = async () => {
      const own = await browser.newContext();
      const page = await own.newPage();
      await page.goto(link);
      return { own, page };
    };
    const first = await open();
    await first.page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
    expect(first.page.url()).toBe(`${worker.origin}/#/jobs`);
    // Opened again where it signed in, it leads on.
    await first.page.goto("about:blank");
    await first.page.goto(link);
    await first.page.getByRole("heading", { name: "Jobs", exact: true }).waitFor();
    const second = await open();
    await second.page.getByText("This link works no more").waitFor();
    expect(second.page.url()).toBe(`${worker.origin}/#/jobs`);
    // Whoever has to type a key can begin at once.
    expect(await second.page.getByLabel("API key").evaluate((field) => field.matches(":focus"))).toBe(true);
    await Promise.all([first.own.close(), second.own.close()]);
  });

  it.each([
    ["signed out", false],
    ["signed in", true],
  ])("loads less than 60 kB, compressed, until it shows something: %s", async (_, isSignedIn) => {
    const own = await browser.newContext();
    if (isSignedIn) await own.request.post(`${worker.origin}/v1/session`, { data: { key: LOCAL_KEY } });
    const page = await own.newPage();
    const bodies: Promise<Buffer>[] = [];
    page.on("response", (response) => void bodies.push(response.body().catch(() => Buffer.alloc(0))));
    await page.goto(worker.origin);
    const shown = isSignedIn ? page.getByRole("button", { name: "Run the demo job" }) : page.getByLabel("API key");
    await shown.waitFor();
    await page.waitForLoadState("networkidle");
    const sizes = (await Promise.all(bodies)).map((body) => gzipSync(body).length);
    expect(sizes.length).toBeGreaterThan(4);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(FIRST_VIEW_BYTES);
    await own.close();
  });

  it("shows its frame before its script has come", async () => {
    const own = await browser.newContext();
    const page = await own.newPage();
    await page.route(/\.js$/, (route) => route.abort());
    await page.goto(worker.origin);
    await page.getByRole("banner").getByText("Countenance").waitFor();
    const height = (await page.getByRole("banner").boundingBox())?.height;
    await page.unroute(/\.js$/);
    await page.reload();
    await page.getByLabel("API key").waitFor();
    // Nothing jumps when the page takes its place.
    expect((await page.getByRole("banner").boundingBox())?.height).toBe(height);
    await own.close();
  });

  it("logs no error for a visitor, whose page allows its own style and no other", async () => {
    const own = await browser.newContext();
    const page = await own.newPage();
    const errors: string[] = [];
    page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    for (const path of ["", "#/try", "docs"]) {
      const answer = await page.goto(`${worker.origin}/${path}`);
      await page.waitForLoadState("networkidle");
      const style = /<style>([^]*)<\/style>/.exec((await answer?.text()) ?? "")?.[1] ?? "";
      const hash = createHash("sha256").update(style).digest("base64");
      const policy = answer?.headers()["content-security-policy"] ?? "";
      expect(policy).toContain(`style-src 'self' 'sha256-${hash}';`);
      await page.goto("about:blank");
    }
    expect(errors).toEqual([]);
    await own.close();
  });

  it("offers the demo job where there is none, and shows its labels", async () => {
    const own = await browser.newContext();
    const page = await own.newPage();
    await page.goto(worker.origin);
    await signIn(page);
    await page.getByRole("button", { name: "Run the demo job" }).click();
    await page.getByRole("heading", { name: /^demo/ }).waitFor({ timeout: 60_000 });
    await page.getByText("8 of 8 pictures scored").waitFor({ timeout: 90_000 });
    await page.locator(".shares tbody th").first().waitFor();
    const labels = await page.locator(".shares tbody th").allTextContents();
    expect(labels.map((label) => label.trim())).toEqual(expect.arrayContaining([...LABELS]));

    // Opened by its address, its answers are asked for once each, and before the console's code is there.
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await page.reload();
    await page.locator(".shares tbody th").first().waitFor();
    const [, id = ""] = /#\/jobs\/([^?]+)/.exec(page.url()) ?? [];
    for (const path of ["/v1/session", `/v1/jobs/${id}`, `/v1/jobs/${id}/report`, `/v1/jobs/${id}/outputs`]) {
      expect([path, asked.filter((one) => one === path).length]).toEqual([path, 1]);
    }
    const script = page.waitForRequest(/\/assets\/index-/);
    const report = page.waitForRequest(/\/report$/);
    await page.route(/\/assets\/index-/, async (route) => (await report, await route.continue()));
    await Promise.all([page.reload(), script, report]);
    await page.locator(".shares tbody th").first().waitFor();
    await own.close();
  });

  it("takes samples, numbers the faces of a group, and hands the labels over as a job writes them", async () => {
    const own = await browser.newPage();
    await own.goto(`${worker.origin}/#/try`);
    await own.getByRole("button", { name: "Take samples" }).click();
    const group = own.getByRole("listitem").filter({ has: own.getByRole("img", { name: "group.jpg" }) });
    await group.locator(".face-number").nth(2).waitFor({ timeout: 90_000 });
    expect(await group.locator("svg .number").allTextContents()).toEqual(["1", "2", "3"]);
    await own.getByText("8 of 8").waitFor();
    const read = async (button: string): Promise<string> => {
      const [download] = await Promise.all([
        own.waitForEvent("download"),
        own.getByRole("button", { name: button }).click(),
      ]);
      return readFile(await download.path(), "utf8");
    };
    const records = (await read("Export JSONL")).trimEnd().split("\n").map(parseRecord);
    expect(records.length).toBe(await own.locator("[data-probabilities]").count());
    expect(await read("Export CSV")).toBe(formatCsvHeader([]) + formatCsvRows(records, []));
    await own.close();
  });

  it("scores what the camera sees, once that was asked for, and turns it off", async () => {
    // Its camera is a moving test picture; a face would need one that is there.
    const filmed = await launchChromium(["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]);
    const own = await (await filmed.newContext({ permissions: ["camera"] })).newPage();
    await own.goto(`${worker.origin}/#/try`);
    await own.getByText("Scoring with").waitFor();
    expect(await own.locator("video").count()).toBe(0);
    await own.getByRole("button", { name: "Use the camera" }).click();
    await own.getByText("No face found").waitFor({ timeout: 90_000 });
    await own.getByRole("button", { name: "Take this frame" }).click();
    await own.getByRole("img", { name: "camera 1" }).waitFor();
    const isOn = () =>
      own.locator("video").evaluateAll((all) => all.some((video) => (video as { srcObject?: unknown }).srcObject));
    expect(await isOn()).toBe(true);
    await own.getByRole("button", { name: "Turn the camera off" }).click();
    expect(await own.locator("video").count()).toBe(0);
    await filmed.close();
  });

  it("describes the API at /docs, in its own words at once, and with an explorer that the session signs", async () => {
    const docs = await (await browser.newContext()).newPage();
    const requests: string[] = [];
    const complaints: string[] = [];
    docs.on("request", (request) => requests.push(request.url()));
    docs.on("pageerror", (error) => complaints.push(error.message));
    docs.on("console", (message) => {
      if (message.text().includes("Content Security Policy")) complaints.push(message.text());
    });
    const findViolations = async (): Promise<string[]> => {
      await docs.evaluate(axeSource);
      return (await docs.evaluate(() => axe.run())).violations.map(({ id }) => id);
    };
    const page = await docs.goto(`${worker.origin}/docs`);
    const policy = page?.headers()["content-security-policy"] ?? "";
    expect([policy.includes("script-src 'self';"), policy.includes("unsafe")]).toEqual([true, false]);
    await docs.getByText(`export COUNTENANCE_URL=${worker.origin}`).waitFor();
    expect(requests.filter((url) => url.includes("explorer"))).toEqual([]);
    const described = operationsSchema.parse(await (await docs.request.get(`${worker.origin}/v1/openapi.json`)).json());
    const operations = Object.entries(described.paths).flatMap(([path, item]) =>
      Object.entries(item).map(
        ([method, { operationId, tags }]) => `#/${tags.join()}/${operationId} ${method.toUpperCase()} ${path}`,
      ),
    );
    const links = await docs.locator(".operations a").all();
    const listed = await Promise.all(
      links.map(async (link) => `${await link.getAttribute("href")} ${await link.textContent()}`),
    );
    expect(new Set(listed)).toEqual(new Set(operations));
    expect(await findViolations()).toEqual([]);
    await docs.emulateMedia({ colorScheme: "dark" });
    expect(await findViolations()).toEqual([]);

    // A link of an operation opens it in the explorer.
    await docs.getByRole("link", { name: "GET /v1/models" }).click();
    const route = docs.locator(".opblock", { has: docs.locator('[data-path="/v1/models"]') });
    await route.getByRole("button", { name: "Try it out" }).click();
    expect(await findViolations()).toEqual([]);
    await docs.request.post(`${worker.origin}/v1/session`, { data: { key: LOCAL_KEY } });
    const answered = docs.waitForResponse(`${worker.origin}/v1/models`);
    await route.getByRole("button", { name: "Execute" }).click();
    expect((await answered).status()).toBe(200);
    await route.locator(".live-responses-table").waitFor();
    expect(requests.filter((url) => !url.startsWith(worker.origin) && !/^(blob|data):/.test(url))).toEqual([]);
    expect(complaints).toEqual([]);
    await docs.context().close();
  });
});
