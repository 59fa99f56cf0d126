import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, it } from "vitest";
import { copyPhotographs, names, run, startServer } from "./stranger.ts";

/** The whole platform out of the installed package, on the machine's own Node, and a program that uses it. */

const { folder } = inject("installed");

it("serves API and console, runs a job for `countenance/client`, and still has it after a kill", async () => {
  await copyPhotographs(join(folder, "photos"));
  await writeFile(
    join(folder, "client.js"),
    `import { readFile } from "node:fs/promises";
     import { createApi, readLabels } from "countenance/client";
     const api = createApi({ baseUrl: process.env.ORIGIN, key: process.env.KEY });
     for (const name of ${JSON.stringify(names)}) await api.upload("faces", "in/" + name, await readFile("photos/" + name));
     const { id } = await api.submitJob({
       input: { store: "faces", prefix: "in/" },
       output: { store: "faces", prefix: "out/" },
       faces: "largest",
     });
     let job;
     for await (const event of api.followJob(id, new AbortController().signal)) job = event.job;
     const labels = [];
     for await (const { key, label } of readLabels(api, id)) labels.push([key, label]);
     console.log(JSON.stringify({ id, status: job.status, labels }));`,
  );
  const first = await startServer(folder, "data");
  const key = (await readFile(join(folder, "data/admin-key"), "utf8")).trim();
  const page = await fetch(first.origin);
  expect([page.status, page.headers.get("content-type")]).toEqual([200, expect.stringContaining("text/html")]);
  expect(page.headers.get("content-security-policy")).not.toBeNull();
  const script = /src="\.?(\/[^"]+\.js)"/.exec(await page.text())?.[1] ?? "";
  expect((await fetch(`${first.origin}${script}`)).headers.get("content-type")).toContain("javascript");
  const moved = join(folder, "node_modules/countenance/dist/public/_moved.json");
  const weights = Object.keys(JSON.parse(await readFile(moved, "utf8")) as Readonly<Record<string, string>>);
  expect(weights.length).toBeGreaterThan(5);
  for (const path of weights) expect((await fetch(`${first.origin}${path}`, { method: "HEAD" })).status).toBe(200);
  const told = JSON.parse(await run("node", ["client.js"], folder, { ORIGIN: first.origin, KEY: key })) as {
    readonly id: string;
    readonly status: string;
    readonly labels: readonly (readonly [string, string])[];
  };
  expect(told.status).toBe("completed");
  expect(told.labels.map(([name]) => name)).toEqual(names.map((name) => `in/${name}`));
  expect(told.labels.every(([, label]) => label !== null)).toBe(true);
  await first.stop("SIGKILL");

  const second = await startServer(folder, "data");
  const listed = await fetch(`${second.origin}/v1/jobs/${told.id}`, { headers: { authorization: `Bearer ${key}` } });
  expect(await listed.json()).toMatchObject({ id: told.id, status: "completed" });
  await expect(startServer(folder, "data")).rejects.toThrow("data is in use by another process");
  await second.stop("SIGTERM");
});

it("says what an S3 store needs", async () => {
  const variables = {
    STORES: JSON.stringify({ out: { kind: "s3", region: "auto", bucket: "out" } }),
    STORE_OUT_ACCESS_KEY_ID: "id",
    STORE_OUT_SECRET_ACCESS_KEY: "secret",
  };
  await expect(startServer(folder, "data-s3", variables)).rejects.toThrow("npm install @aws-sdk/client-s3");
});
