import { env } from "cloudflare:workers";
import { describe, expect, inject, it } from "vitest";
import { createMemoryStore } from "../../src/storage/memory-store.ts";
import type { R2BucketLike } from "../../src/storage/r2/r2-types.ts";
import { createR2Store } from "../../src/storage/r2/r2-store.ts";
import { createS3Store } from "../../src/storage/s3/s3-store.ts";
import { checkAgainstModel } from "../contract/object-store-model.ts";
import { describeObjectStore, LINE_BREAK_NAME } from "../contract/object-store.ts";

describeObjectStore({ name: "memory, in workerd", open: () => createMemoryStore() });

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bindings of wrangler.toml have no type here
const bucket = (env as { FACES: R2BucketLike }).FACES;

describeObjectStore({ name: "R2 binding", open: () => createR2Store(bucket) });

describeObjectStore({
  name: "S3 protocol, from workerd",
  open: () => createS3Store({ ...inject("s3"), pace: { answerMs: 60_000, bytesPerSecond: 1e5 } }),
  refuses: (key) => key.split("/").some((segment) => [".", ".."].includes(segment)),
  serverLacks: {
    [LINE_BREAK_NAME]:
      "the local server's router answers 404 to line breaks in a path; test/unit/storage/s3/s3-keys.test.ts has them",
  },
});

describe("random operations have the same outcome as in memory", () => {
  it("on the R2 binding", async () => {
    expect.hasAssertions();
    await checkAgainstModel(createR2Store(bucket), 25);
  });

  it("over the S3 protocol", async () => {
    expect.hasAssertions();
    await checkAgainstModel(createS3Store(inject("s3")), 15);
  });
});
