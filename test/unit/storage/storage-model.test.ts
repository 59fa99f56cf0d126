import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createFilesystemStore } from "../../../src/storage/filesystem/filesystem-store.ts";
import { createS3Store } from "../../../src/storage/s3/s3-store.ts";
import { type S3Server, startS3Server } from "../../contract/s3-server.ts";
import { checkAgainstModel } from "../../contract/object-store-model.ts";

let server: S3Server;
let folder: string;

beforeAll(async () => {
  server = await startS3Server();
  folder = await mkdtemp(join(tmpdir(), "countenance-model-"));
});

afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

describe("random operations have the same outcome as in memory", () => {
  it("on a folder", async () => {
    expect.hasAssertions();
    await checkAgainstModel(createFilesystemStore(folder), 60);
  });

  it("over the S3 protocol", async () => {
    expect.hasAssertions();
    await checkAgainstModel(createS3Store(server.config), 25);
  });
});
