import { spawn } from "node:child_process";
import { join } from "node:path";

/** A `wrangler dev` of this project in a process group of its own. */
export interface LocalWorker {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  /** Endpoint of the local bucket over the S3 protocol. */
  readonly s3Endpoint: string;
  /** What the server printed so far, both streams. */
  readonly output: () => string;
  /** Ends the whole group and waits for it: politely, or (`SIGKILL`) as a power cut would. */
  readonly stop: (signal?: "SIGTERM" | "SIGKILL") => Promise<void>;
}

const root = join(import.meta.dirname, "..");

/**
 * Starts local workerd with its R2, Queues and Durable Objects, and resolves when `/healthz` answers.
 * @param options.persistTo folder of the local state; the same folder again continues where it stopped
 * @param options.variables plain-text variables that override those of wrangler.toml
 * @throws Error with the server's own words if it ends or does not answer within `timeoutMs`
 */
export async function startLocalWorker(options: {
  persistTo: string;
  timeoutMs?: number;
  variables?: Readonly<Record<string, string>>;
  /** Where a debugger can look into the Worker; by default anywhere. */
  inspectorPort?: number;
}): Promise<LocalWorker> {
  const variables = Object.entries(options.variables ?? {}).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  const child = spawn(
    process.execPath,
    [
      join(root, "node_modules/wrangler/bin/wrangler.js"),
      "dev",
      "--ip=127.0.0.1",
      // workerd picks both itself: a port looked up beforehand may be taken by the time it is used.
      "--port=0",
      `--inspector-port=${options.inspectorPort ?? 0}`,
      `--persist-to=${options.persistTo}`,
      "--show-interactive-dev-session=false",
      ...variables,
    ],
    {
      cwd: root,
      // Its own group, so that workerd ends with it whatever happens to the processes between.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "true", NO_COLOR: "1", FORCE_COLOR: "0" },
    },
  );
  const chunks: string[] = [];
  const keep = (data: Buffer) => void chunks.push(data.toString());
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // The group is gone already.
    }
  };
  const endGroup = () => signalGroup("SIGKILL");
  process.once("exit", endGroup);

  const stop = async (signal: "SIGTERM" | "SIGKILL" = "SIGTERM") => {
    signalGroup(signal);
    const timer = setTimeout(endGroup, 10_000);
    await ended;
    clearTimeout(timer);
    // The parent may end before workerd does.
    endGroup();
    process.removeListener("exit", endGroup);
  };

  const deadline = Date.now() + (options.timeoutMs ?? 120_000);
  for (;;) {
    const origin = findOrigin(chunks.join(""));
    const state = await Promise.race([ended.then(() => "ended" as const), probe(origin)]);
    if (state === "up" && origin)
      return { origin, s3Endpoint: `${origin}/cdn-cgi/local/r2/s3`, output: () => chunks.join(""), stop };
    if (state === "ended" || Date.now() > deadline) {
      await stop("SIGKILL");
      throw new Error(`the local server did not start:\n${chunks.join("").slice(-4_000)}`);
    }
  }
}

/** The address that wrangler says it listens on, once it has said so. */
function findOrigin(output: string): string | undefined {
  return /Ready on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1];
}

/** One request to the server, at most a second long, so that asking is also the waiting. */
async function probe(origin: string | undefined): Promise<"up" | "down"> {
  const pause = new Promise<void>((resolve) => setTimeout(resolve, 150));
  const up =
    origin !== undefined &&
    (await fetch(`${origin}/healthz`, { signal: AbortSignal.timeout(1_000) }).then(
      async (response) => {
        await response.body?.cancel();
        return response.ok;
      },
      () => false,
    ));
  if (up) return "up";
  await pause;
  return "down";
}
