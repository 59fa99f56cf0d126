import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";

/** Somebody who has the package and nothing else of this project. */

export const root = join(import.meta.dirname, "../..");

const portraits = join(dirname(createRequire(import.meta.url).resolve("tabler-ui/package.json")), "dist/demo/faces");

/** Photographs of one face each. */
export const names = ["female/1.jpg", "female/2.jpg", "male/1.jpg", "male/2.jpg"] as const;

/** Copies them into a folder. */
export async function copyPhotographs(folder: string): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await cp(join(portraits, name), join(folder, name));
  }
}

/** A shell without this project: its Node and what npm says of it are left out, so that the machine's own Node runs. */
const env = Object.fromEntries([
  ...Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_|VITEST|INIT_CWD)/i.test(name)),
  [
    "PATH",
    process.env["PATH"]!.split(delimiter)
      .filter((path) => !path.includes("node_modules"))
      .join(delimiter),
  ],
  ["NO_COLOR", "1"],
  ["npm_config_prefer_offline", "true"],
]);

/** What a command printed. @throws Error with all of it where the command failed */
export async function run(command: string, args: readonly string[], cwd: string, variables = {}): Promise<string> {
  const options = { cwd, env: { ...env, ...variables }, maxBuffer: 64 * 1024 * 1024 };
  try {
    return (await promisify(execFile)(command, args, options)).stdout;
  } catch (cause) {
    const { stdout, stderr } = cause as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`${command} ${args.join(" ")}\n${stdout ?? ""}\n${stderr ?? ""}`, { cause });
  }
}

/** `countenance serve` of an installed package, on a free port. */
export interface StrangersServer {
  readonly origin: string;
  /** Ends it: in order, or as a power cut would. */
  stop(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** Starts it; it keeps all in `data`, below `folder`. */
export async function startServer(folder: string, data: string, variables = {}): Promise<StrangersServer> {
  const program = join(folder, "node_modules/countenance/dist/cli/countenance.js");
  const child: ChildProcess = spawn("node", [program, "serve", "--data", data, "--port", "0"], {
    cwd: folder,
    env: { ...env, ...variables },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exited = once(child, "exit");
  let said = "";
  const origin = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", (piece: Buffer) => {
      said += piece.toString();
      const found = /listens on (\S+),/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then(() => reject(new Error(said)));
  });
  return {
    origin,
    async stop(signal) {
      child.kill(signal);
      await exited;
    },
  };
}
