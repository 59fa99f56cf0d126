/* oxlint-disable typescript/no-unsafe-type-assertion -- as much of the ports as is called */
import deepEmotion1 from "../../../../models/deep-emotion@1/card.json" with { type: "json" };
import { parseModelCard } from "../../../../src/model/card.ts";
import { describe, expect, it } from "vitest";
import type { JobCoordinator } from "../../../../src/scoring/job/coordinator-port.ts";
import type { Directory } from "../../../../src/scoring/job/job-directory.ts";
import { LIMITS, type Limits } from "../../../../src/scoring/limits.ts";
import { ROW_BYTES } from "../../../../src/scoring/manifest/output-formats.ts";
import { submitJob } from "../../../../src/scoring/requests/submit.ts";
import type { SubmitDeps } from "../../../../src/scoring/requests/submit-deps.ts";
import { createMemoryStore } from "../../../../src/storage/memory-store.ts";

/** What is said of a manifest before anything is scored. */

const store = createMemoryStore();
const caller = {
  keyId: "key",
  scopes: ["jobs:write"],
  grants: null,
  purposes: null,
  maxJobs: 100,
  maxImagesPerDay: null,
};
const options = { idempotencyKey: null, caller } as unknown as Parameters<typeof submitJob>[2];
const manifest = { input: { store: "faces", prefix: "in/" }, output: { store: "faces" } };

function createDeps(more: Partial<SubmitDeps>): SubmitDeps {
  const registry = {
    refresh: async () => {},
    resolve: (name: string) => name,
    card: async () => parseModelCard(deepEmotion1),
  };
  return {
    openStore: () => store,
    storeNames: ["faces"],
    registry,
    webhookHosts: null,
    clock: () => 0,
    newId: () => "new",
    limits: LIMITS,
    ...more,
  } as unknown as SubmitDeps;
}

/** Warnings of a dry run where the outputs can hold so many records. */
const listWarnings = async (most: number): Promise<readonly string[]> => {
  const limits: Limits = { ...LIMITS, maxMultipartBytes: most * ROW_BYTES.labels, maxMultipartParts: 1 };
  const submission = await submitJob(createDeps({ limits }), { ...manifest, dryRun: true }, options);
  return submission.kind === "dry-run" ? submission.plan.warnings : ["no dry run"];
};

describe("a dry run", () => {
  it("says that the inputs are more than the outputs can hold, where it has counted them", async () => {
    for (let at = 0; at < 3; at++) await store.put(`in/${at}.png`, "x");
    expect(await listWarnings(3)).toEqual([]);
    expect(await listWarnings(2)).toEqual([expect.stringContaining("the outputs of one job hold 2 records")]);
  });
});

it("a dry run shows what the store of the inputs bills for handing them out, as a line of its own", async () => {
  const plan = async (egressDollarsPerGb?: number) => {
    const capabilities = { versions: false, ...(egressDollarsPerGb === undefined ? {} : { egressDollarsPerGb }) };
    const billed = { ...store, capabilities };
    const body = { ...manifest, input: { store: "faces", prefix: "billed/" }, dryRun: true };
    const submission = await submitJob(createDeps({ openStore: () => billed }), body, options);
    return submission.kind === "dry-run" ? submission.plan : null;
  };
  await store.put("billed/a.jpg", "x".repeat(250_000));
  const free = await plan();
  expect(free).not.toHaveProperty("egressDollars");
  expect(await plan(0)).toEqual(free);
  expect(await plan(0.08)).toEqual({ ...free, egressDollars: 0.00002 });
});

/** Warnings of a dry run over one input of so many bytes. */
const warnOf = async (faces: string, bytes: number): Promise<readonly string[]> => {
  await store.put("crops/a.jpg", "x".repeat(bytes));
  const input = { store: "faces", prefix: "crops/" };
  const submission = await submitJob(createDeps({}), { ...manifest, input, faces, dryRun: true }, options);
  return submission.kind === "dry-run" ? submission.plan.warnings : ["no dry run"];
};

describe("a dry run of face crops", () => {
  it("says that they are as large as photographs", async () => {
    expect(await warnOf("aligned", 200_000)).toEqual([expect.stringContaining("200 kB on average")]);
    expect(await warnOf("aligned", 20_000)).toEqual([]);
    expect(await warnOf("auto", 200_000)).toEqual([]);
  });
});

describe("a dry run over a list whose ids repeat", () => {
  it("says how many do, and takes them", async () => {
    const lines = ["a", "b", "a", "a"].map((id) => JSON.stringify({ key: "in/0.png", id }));
    await store.put("lists/repeated.jsonl", lines.join("\n"));
    const input = { store: "faces", manifest: { key: "lists/repeated.jsonl" } };
    const submission = await submitJob(createDeps({}), { ...manifest, input, dryRun: true }, options);
    const plan = submission.kind === "dry-run" ? submission.plan : null;
    expect(plan).toMatchObject({
      objects: 4,
      warnings: [expect.stringMatching(/^2 inputs repeat the id of an earlier one/)],
    });
  });
});

/** Whoever comes so far has been admitted. */
const refuse = async (): Promise<never> => Promise.reject(new Error("admitted"));

describe("a key that has as many jobs as it may", () => {
  const openJobs = Array.from({ length: 100 }, (_, at) => `job-${at}`);

  /** Ends of the key's jobs as the jobs know them; which of them were asked, and what the directory was told. */
  async function submitTo(ended: ReadonlySet<string>) {
    const asked: string[] = [];
    const released: string[] = [];
    const directory = {
      reserve: async () => {
        const full = openJobs.map((jobId) => ({ jobId, reservedMs: 0 }));
        return released.length === 0 ? { kind: "full", openJobs: full } : { kind: "new", jobId: "new" };
      },
      confirm: async () => true,
      release: async (ids: readonly string[]) => void released.push(...ids),
    } as unknown as Directory;
    const openJob = (id: string): JobCoordinator => {
      const state = { status: ended.has(id) ? "completed" : "running" };
      const read = async () => {
        asked.push(id);
        return { state };
      };
      return { read, create: refuse } as unknown as JobCoordinator;
    };
    const submission = submitJob(createDeps({ directory, openJob }), manifest, options);
    return { error: await submission.catch((error: unknown) => String(error)), asked, released };
  }

  it("is refused after the oldest of them were asked, not all", async () => {
    const { error, asked } = await submitTo(new Set());
    expect(error).toContain("quota_exceeded");
    expect(asked).toEqual(openJobs.slice(0, LIMITS.maxOpenJobsAsked));
  });

  it("gets its job where one of these has ended", async () => {
    const { error, released } = await submitTo(new Set(["job-7"]));
    expect(error).toContain("admitted");
    expect(released).toEqual(["job-7"]);
  });
});
