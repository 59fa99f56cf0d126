import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { makeBuiltInKey } from "../src/http/auth.ts";
import { makeSignInCode } from "../src/http/sign-in-code.ts";

/**
 * `npm start`: the local server, and in a few lines what a person does with it: open the console, use the key, score
 * something. What wrangler and the Worker print is shown where it is an error; all of it with `--verbose`.
 */

const KEY = "local-development-key";
const root = join(import.meta.dirname, "..");
const passed = process.argv.slice(2).filter((argument) => argument !== "--verbose");
const isVerbose = process.argv.includes("--verbose");

const child = spawn(
  process.execPath,
  [join(root, "node_modules/wrangler/bin/wrangler.js"), "dev", "--show-interactive-dev-session=false", ...passed],
  {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true", CI: "true", NO_COLOR: "1" },
  },
);

/** What a line of the server is to its reader. */
function isTold(line: string): boolean {
  // wrangler asks for the newest version and for a list of locations; without a network it says so at length.
  if (/ENOTFOUND|EAI_AGAIN|getaddrinfo|workers\.cloudflare\.com/.test(line)) return false;
  return /\[ERROR\]|✘|Address already in use|error TS/i.test(line);
}

async function greet(origin: string): Promise<void> {
  const code = await makeSignInCode(await makeBuiltInKey("local-development", KEY), Date.now());
  process.stdout.write(
    [
      `Console      ${origin}/#/sign-in?code=${code}`,
      `             the link signs in once, within an hour`,
      `API key      ${KEY}, accepted from this machine only`,
      `First job    npm run countenance -- submit <folder of pictures> --key ${KEY}`,
      "",
    ].join("\n"),
  );
}

let greeted = false;
for (const stream of [child.stdout, child.stderr]) {
  createInterface({ input: stream }).on("line", (line) => {
    const origin = /Ready on (http:\/\/[^\s/]+)/.exec(line)?.[1];
    if (origin !== undefined && !greeted) {
      greeted = true;
      void greet(origin);
    }
    if (isVerbose || isTold(line)) process.stderr.write(`${line}\n`);
  });
}
process.stdout.write("Starting the server; the first start builds the console …\n");
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 0));
