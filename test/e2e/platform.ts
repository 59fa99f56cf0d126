import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { startLocalWorker } from "../../scripts/local-worker.ts";
import { createFilesystemStore } from "../../src/storage/filesystem/filesystem-store.ts";
import type { ObjectStore } from "../../src/storage/object-store.ts";
import { createS3Store } from "../../src/storage/s3/s3-store.ts";

/** The deployment under test: `wrangler dev`, or in the project `serve`, a server of one's own. The suites do not know which. */

export type PlatformName = "workerd" | "serve";

export const PLATFORM: PlatformName = process.env["PLATFORM"] === "serve" ? "serve" : "workerd";

/** A key that may do everything. */
export const ADMIN = PLATFORM === "serve" ? "an-admin-key-for-tests-of-32-characters" : "local-development-key";

export interface Deployment {
  readonly origin: string;
  /** The store `faces`, without the API: which deletes nothing. */
  readonly bucket: ObjectStore;
  /** What the server printed so far. */
  output(): string;
  /** The schedules' cron fires at that moment. */
  fireSchedules(atMs: number): Promise<void>;
  /** Ends it and waits: politely, or (`SIGKILL`) as a power cut would. */
  stop(signal?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

export interface DeploymentOptions {
  /** Everything that is kept; the same folder again continues where it stopped. */
  readonly persistTo: string;
  readonly variables?: Readonly<Record<string, string>>;
}

/** How STORES names the store `faces` of a deployment that will keep its state there. */
export const nameOwnStore = (persistTo: string): Readonly<Record<string, string>> =>
  PLATFORM === "serve" ? { kind: "folder", path: join(persistTo, "stores/faces") } : { kind: "r2", binding: "FACES" };

export function startPlatform(options: DeploymentOptions): Promise<Deployment> {
  return PLATFORM === "serve" ? startServeProcess(options) : startWorkerd(options);
}

async function startWorkerd({ persistTo, variables = {} }: DeploymentOptions): Promise<Deployment> {
  const worker = await startLocalWorker({ persistTo, variables });
  return {
    ...worker,
    bucket: createS3Store({
      endpoint: worker.s3Endpoint,
      region: "auto",
      bucket: "faces",
      forcePathStyle: true,
      versions: false,
      credentials: { accessKeyId: "local", secretAccessKey: "local-secret" },
    }),
    async fireSchedules(atMs) {
      const response = await fetch(`${worker.origin}/cdn-cgi/handler/scheduled?cron=*/5+*+*+*+*&time=${atMs}`);
      const text = await response.text();
      if (text !== "ok") throw new Error(text);
    },
  };
}

async function startServeProcess({ persistTo, variables = {} }: DeploymentOptions): Promise<Deployment> {
  await mkdir(join(persistTo, "stores/faces"), { recursive: true });
  const child = fork(join(import.meta.dirname, "serve-process.ts"), [persistTo], {
    env: { ...process.env, ADMIN_KEY: ADMIN, ...variables },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const pieces: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data: Buffer) => pieces.push(data.toString()));
  const exited = once(child, "exit");
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  const [message] = (await Promise.race([once(child, "message"), exited])) as [{ readonly origin?: string } | null];
  if (message?.origin === undefined) throw new Error(`the server did not start:\n${pieces.join("").slice(-4000)}`);
  return {
    origin: message.origin,
    bucket: createFilesystemStore(join(persistTo, "stores/faces")),
    output: () => pieces.join(""),
    async fireSchedules(fireMs) {
      const fired = once(child, "message");
      child.send({ fireMs });
      await fired;
    },
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      await exited;
      process.removeListener("exit", kill);
    },
  };
}
