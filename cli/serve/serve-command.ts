import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defineCommand } from "citty";
import { ScoringError } from "../../src/errors.ts";
import { readThreads } from "../score/score-command.ts";

/** The built console, beside the program. */
const SITE_FOLDER = join(import.meta.dirname, "../../public");

/** `countenance serve`: the whole platform on this machine. */
export const serveCommand = defineCommand({
  meta: { name: "serve", description: "Run the whole platform on this machine: API, console, jobs, schedules" },
  args: {
    data: { type: "string", description: "Folder for everything that the server keeps", default: "countenance-data" },
    host: { type: "string", description: "Address to listen on", default: "127.0.0.1" },
    port: { type: "string", description: "Port to listen on; 0 takes a free port", default: "8787" },
    threads: { type: "string", description: "Threads that score; default one per core" },
  },
  async run({ args }) {
    const port = Number(args.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) {
      throw new ScoringError("validation_failed", `--port must be a number from 0 to 65535, not ${args.port}`);
    }
    const threads = readThreads(args.threads) ?? availableParallelism();
    // No other command loads what it needs.
    const [{ startServer }, { readVariables }, { createConsoleLogger }] = await Promise.all([
      import("../../src/serve/server.ts"),
      import("../../src/serve/serve-config.ts"),
      import("../../src/log.ts"),
    ]);
    const server = await startServer({
      dataFolder: args.data,
      host: args.host,
      port,
      threads,
      variables: readVariables(process.env),
      siteFolder: SITE_FOLDER,
      logger: createConsoleLogger(),
    });
    say(`Countenance listens on ${server.origin}, with ${threads} threads; everything it keeps is in ${args.data}`);
    if (isLoopback(server.origin))
      say(`Console: ${server.origin}/#/sign-in?code=${await server.makeSignInCode()} (once)`);
    if (server.adminKeyFile !== null) say(`The admin key is in ${server.adminKeyFile}`);
    await untilAsked();
    say("Stopping: what is under way may end");
    await server.stop();
  },
});

/** Resolves at the first SIGINT or SIGTERM; a second one ends the process at once, which loses nothing either. */
function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve();
      });
    }
  });
}

/** The console takes a link's code on the reader's own machine only. */
function isLoopback(origin: string): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(new URL(origin).hostname);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
