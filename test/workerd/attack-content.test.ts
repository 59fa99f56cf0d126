import { describe, expect, it } from "vitest";
import { zlibSync } from "fflate";
import { encodeGrayPng } from "../../src/image/png/png-encode.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { ADMIN, ask, bucket, call, follow, makeKey, readPicture } from "./api-client.ts";

/** Hostile objects, names and lists in a job's input or among its outputs, against the whole Worker. */

const picture = readPicture("grey-48x48.png");
const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

async function run(key: string, manifest: Record<string, unknown>): Promise<JobView> {
  const { status, body } = await ask<JobView>(key, "POST", "/v1/jobs", { faces: "aligned", ...manifest });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return follow(key, body.id);
}

const readOutput = async (key: string, id: string, name: string): Promise<string> =>
  new TextDecoder().decode(await (await call(key, `/v1/jobs/${id}/outputs/${name}`)).arrayBuffer());

describe("names that are code elsewhere", () => {
  const NAMES = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("https://evil.test")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\uff1d1",
    "__proto__",
    "constructor",
    "hasOwnProperty",
    "toString",
    'a,b;"c"',
    "${7*7}{{7*7}}",
  ];

  it("are refused where they hold what no name holds: line ends, tabs, turned directions", async () => {
    for (const name of ["\t=1", "a\n=1", "a\r\n", "\u0000", "\u202egnp.exe", "\ud800"]) {
      const objects = [{ key: "names/a.png", id: name, groups: { site: name } }];
      const manifest = { input: { store: "faces", objects }, output: { store: "faces" }, dryRun: true };
      expect([name, (await ask(ADMIN, "POST", "/v1/jobs", manifest)).status]).toEqual([name, 422]);
    }
  });

  it("stay names in every output, and crowd nothing out", async () => {
    await bucket.put("names/a.png", picture);
    const objects = NAMES.map((name) => ({
      key: "names/a.png",
      id: name,
      groups: { "=site": name, __proto__x: name },
    }));
    const job = await run(ADMIN, {
      name: NAMES[0],
      purpose: NAMES[1],
      input: { store: "faces", objects },
      output: { store: "faces", prefix: "names-out/", formats: ["jsonl", "csv", "parquet"] },
      groupBy: ["=site", "constructor"],
      minGroupSize: 1,
    });
    expect(job).toMatchObject({ status: "completed", counts: { records: NAMES.length } });

    const page = await readOutput(ADMIN, job.id, "report.html");
    expect(page).toContain("&lt;script&gt;");
    expect(page).not.toMatch(/<script|<img[^>]*onerror|\u202e/i);
    const csv = await readOutput(ADMIN, job.id, "labels.csv");
    // A cell begins a line or follows a comma, quoted or not.
    expect(csv).not.toMatch(/(?:^|[,\n])"?[=+@\t\uff1d]/);
    expect(csv).not.toMatch(/(?:^|[,\n])"?-2\+3/);

    const lines = (await readOutput(ADMIN, job.id, "labels.jsonl")).trimEnd().split("\n");
    const records = lines.map((line) => JSON.parse(line) as { id: string; groups: Record<string, string> });
    expect(records.map(({ id }) => id)).toEqual(NAMES);
    expect(records.map(({ groups }) => groups["=site"])).toEqual(NAMES);
    const report = await readOutput(ADMIN, job.id, "report.json");
    for (const name of NAMES) expect(report).toContain(JSON.stringify(name).slice(1, -1));
  });
});

describe("pictures that are something else as well", () => {
  it("leave as pictures only, and run nothing", async () => {
    const { key } = await makeKey();
    const tail = encode("<html><script>alert(document.cookie)</script></html>");
    const polyglot = new Uint8Array([...picture, ...tail]);
    await bucket.put("poly/page.png", polyglot, { contentType: "text/html" });
    const job = await run(key, {
      input: { store: "faces", prefix: "poly/" },
      output: { store: "faces", prefix: "poly-out/" },
    });
    const labels = await readOutput(key, job.id, "labels.jsonl");
    const path = `/v1/jobs/${job.id}/images/poly%2Fpage.png?at=0&length=${labels.indexOf("\n")}`;
    const response = await call(key, path);
    await response.body?.cancel();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none'; sandbox");
  });

  it("a page that was put in the place of a report runs in no one's name", async () => {
    const { key } = await makeKey();
    await bucket.put("page/a.png", picture);
    const job = await run(key, {
      input: { store: "faces", prefix: "page/" },
      output: { store: "faces", prefix: "page-out/" },
    });
    await bucket.put(`${job.output.prefix}report.html`, "<script>fetch('/v1/keys')</script>");
    const response = await call(key, `/v1/jobs/${job.id}/report`, { headers: { accept: "text/html" } });
    await response.body?.cancel();
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'.*sandbox$/);
  });
});

/** A picture that says it is 48×48 and inflates to 64 MB. */
function makeBomb(): Uint8Array<ArrayBuffer> {
  const honest = encodeGrayPng(new Uint8Array(48 * 48), 48);
  const head = honest.subarray(0, 33);
  const data = zlibSync(new Uint8Array(64 * 1024 * 1024), { level: 9 });
  const chunk = new Uint8Array(data.length + 12);
  new DataView(chunk.buffer).setUint32(0, data.length);
  chunk.set(encode("IDAT"), 4);
  chunk.set(data, 8);
  return new Uint8Array([...head, ...chunk, ...honest.subarray(honest.length - 12)]);
}

/** A picture of 60,000 × 60,000 pixels, as far as its header goes. */
function makeGiant(): Uint8Array<ArrayBuffer> {
  const bytes = Uint8Array.from(picture);
  new DataView(bytes.buffer).setUint32(16, 60_000);
  new DataView(bytes.buffer).setUint32(20, 60_000);
  return bytes;
}

/** A tar header of ustar whose member is said to be of `size`. */
function makeTarHeader(name: string, size: string): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(512);
  block.set(encode(name), 0);
  block.set(encode("0000644\0"), 100);
  block.set(encode(size), 124);
  block.set(encode("0"), 156);
  block.set(encode("ustar\u000000"), 257);
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  return block;
}

describe("bombs", () => {
  it("among pictures fail alone; the good one beside them is scored", async () => {
    await bucket.put("bombs/1-bomb.png", makeBomb());
    await bucket.put("bombs/2-giant.png", makeGiant());
    await bucket.put("bombs/3-good.png", picture);
    const job = await run(ADMIN, { input: { store: "faces", prefix: "bombs/" }, output: { store: "faces" } });
    expect(job.status).toBe("completed_with_errors");
    expect(job.counts.outcomes).toMatchObject({ scored: 1, failed: 2 });
    const lines = (await readOutput(ADMIN, job.id, "errors.jsonl")).trimEnd().split("\n");
    const codes = lines.map((line) => (JSON.parse(line) as { error: { code: string } }).error.code);
    expect(codes).toEqual([expect.stringMatching(/^image_/), expect.stringMatching(/^image_/)]);
  });

  it("among shards: a member that is said to be larger than its archive, or than a number", async () => {
    const sizes = ["77777777777\0", "00000010000\0", "-0000000001\0", "zzzzzzzzzzz\0"];
    const shards = sizes.map(
      (size) => new Uint8Array([...makeTarHeader("a.png", size), ...picture, ...new Uint8Array(1024)]),
    );
    for (const [index, shard] of shards.entries()) await bucket.put(`tars/${index}.tar`, shard);
    const job = await run(ADMIN, {
      input: { store: "faces", prefix: "tars/" },
      format: "tar",
      output: { store: "faces", prefix: "tars-out/" },
    });
    expect(["failed", "completed_with_errors"]).toContain(job.status);
    expect(job.counts.outcomes.scored).toBe(0);
    // Nobody was kept busy: what is wrong with a shard is known from its header.
    expect(job.counts.records).toBeLessThanOrEqual(shards.length);
  });

  it("among lists: gzip of zeros, one line without end, a list of itself", async () => {
    const zeros = new Uint8Array(16 * 1024 * 1024);
    const stream = new Blob([zeros]).stream().pipeThrough(new CompressionStream("gzip"));
    await bucket.put("lists/zeros.jsonl.gz", new Uint8Array(await new Response(stream).arrayBuffer()));
    await bucket.put("lists/line.jsonl", "x".repeat(300_000));
    await bucket.put("lists/self.jsonl", '{"manifest":{"key":"lists/self.jsonl"},"key":"lists/self.jsonl"}\n');
    for (const name of ["zeros.jsonl.gz", "line.jsonl", "self.jsonl"]) {
      const manifest = {
        input: { store: "faces", manifest: { key: `lists/${name}` } },
        output: { store: "faces", prefix: "lists-out/" },
      };
      const dry = await ask(ADMIN, "POST", "/v1/jobs", { ...manifest, dryRun: true });
      expect([name, dry.status < 500]).toEqual([name, true]);
      const job = await run(ADMIN, manifest);
      expect([name, job.counts.outcomes.scored]).toEqual([name, 0]);
    }
  });
});

describe("a key that overwrites its own outputs", () => {
  const FORGERIES = ["", "}{", "null\n", "[]\n", '{"index":0}\n', `{"id":${"[".repeat(5000)}\n`, "\u0000".repeat(100)];
  const OUTPUTS = ["input.jsonl", "labels.jsonl", "errors.jsonl", "report.json", "_SUCCESS", "parts/000000.jsonl"];

  it("gets no fault of the server for it, and reads nothing with it", async () => {
    const { key } = await makeKey({ grants: [{ store: "faces", prefix: "forge/" }] });
    await bucket.put("forge/in/a.png", picture);
    await bucket.put("forge/in/b.png", picture.slice(0, 40));
    for (const forgery of FORGERIES) {
      const job = await run(key, {
        input: { store: "faces", prefix: "forge/in/" },
        output: { store: "faces", prefix: "forge/out/" },
      });
      for (const name of OUTPUTS) {
        const path = `/v1/stores/faces/objects/${job.output.prefix}${name}`;
        expect((await call(key, path, { method: "PUT", body: forgery })).status).toBe(201);
      }
      const requests = [
        ["GET", `/v1/jobs/${job.id}/verify`],
        ["GET", `/v1/jobs/${job.id}/images/forge%2Fin%2Fa.png?at=0&length=2`],
        ["GET", `/v1/jobs/${job.id}/images/forge%2Fin%2Fa.png?at=0&length=2&input=0`],
        ["GET", `/v1/jobs/${job.id}/outputs`],
        ["POST", `/v1/jobs/${job.id}/retry-failed`],
        ["DELETE", `/v1/jobs/${job.id}`],
      ] as const;
      for (const [method, path] of requests) {
        const response = await call(key, path, { method });
        await response.body?.cancel();
        expect([forgery.slice(0, 20), method, path, response.status < 500]).toEqual([
          forgery.slice(0, 20),
          method,
          path,
          true,
        ]);
      }
    }
  });

  it("makes no admin read for it: a retry of its job reads what the key itself may", async () => {
    const { key } = await makeKey({ grants: [{ store: "faces", prefix: "lure/" }] });
    await bucket.put("lure/in/broken.png", picture.slice(0, 40));
    await bucket.put("theirs/secret.png", picture);
    const job = await run(key, {
      input: { store: "faces", prefix: "lure/in/" },
      output: { store: "faces", prefix: "lure/out/" },
    });
    const body = '{"key":"theirs/secret.png"}\n';
    await call(key, `/v1/stores/faces/objects/${job.output.prefix}errors.jsonl`, { method: "PUT", body });
    const retried = await ask<JobView>(ADMIN, "POST", `/v1/jobs/${job.id}/retry-failed`);
    expect(retried.status).toBe(201);
    const ended = await follow(ADMIN, retried.body.id);
    expect(ended).toMatchObject({ status: "failed", failure: { code: "forbidden" } });
  });
});
