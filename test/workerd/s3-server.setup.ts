/** Starts the local S3 server for the tests inside workerd, which cannot start one themselves. */

import type { TestProject } from "vitest/node";
import type { S3StoreConfig } from "../../src/storage/s3/s3-store.ts";
import { startS3Server } from "../contract/s3-server.ts";

declare module "vitest" {
  export interface ProvidedContext {
    s3: S3StoreConfig;
  }
}

/** Runs in Node before the project's tests; what it returns runs after them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startS3Server();
  project.provide("s3", server.config);
  return () => server.close();
}
