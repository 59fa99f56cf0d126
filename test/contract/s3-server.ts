/** The local R2 bucket over the S3 protocol, on a free port of this machine (Node only). */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createTestHarness } from "wrangler";
import type { S3StoreConfig } from "../../src/storage/s3/s3-store.ts";

/** A running server. The bucket is in memory of the server and starts empty. */
export interface S3Server {
  readonly config: S3StoreConfig & Required<Pick<S3StoreConfig, "credentials" | "endpoint" | "region">>;
  close(): Promise<void>;
}

/** Starts workerd with one bucket. The Worker beside it does nothing: wrangler wants one. */
export async function startS3Server(): Promise<S3Server> {
  // Else wrangler asks the network where this machine is.
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  const folder = await mkdtemp(join(tmpdir(), "countenance-s3-"));
  await writeFile(join(folder, "worker.js"), "export default { fetch: () => new Response(null) };\n");
  const credentials = { accessKeyId: "local", secretAccessKey: "local-secret" };
  const harness = createTestHarness({
    root: folder,
    workers: [
      {
        config: {
          name: "s3-server",
          main: join(folder, "worker.js"),
          compatibility_date: "2026-04-01",
          r2_buckets: [
            { binding: "BUCKET", bucket_name: "faces", local_dev: { experimental_s3_credentials: credentials } },
          ],
        },
      },
    ],
  });
  const { url } = await harness.listen();
  return {
    config: {
      endpoint: new URL("/cdn-cgi/local/r2/s3", url).href,
      region: "auto",
      bucket: "faces",
      forcePathStyle: true,
      credentials,
    },
    async close() {
      await harness.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
