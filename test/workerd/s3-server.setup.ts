/** Starts the local S3 server for the tests inside workerd, which cannot start one themselves, and puts an imported model there. */

import type { TestProject } from "vitest/node";
import { createS3Store, type S3StoreConfig } from "../../src/storage/s3/s3-store.ts";
import { startS3Server } from "../contract/s3-server.ts";
import { importHumanEmotion } from "./imported-model.setup.ts";

declare module "vitest" {
  export interface ProvidedContext {
    s3: S3StoreConfig;
  }
}

/** Runs in Node before the project's tests; what it returns runs after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startS3Server();
  await importHumanEmotion(createS3Store(server.config));
  project.provide("s3", server.config);
  return () => server.close();
}
