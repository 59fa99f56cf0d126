import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createConsoleLogger } from "../../src/log.ts";
import { readVariables } from "../../src/serve/serve-config.ts";
import { startServer } from "../../src/serve/server.ts";

/** A server in a process of its own, as `countenance serve` starts it; its parent may also fire its schedules at any moment. */

const server = await startServer({
  dataFolder: process.argv[2]!,
  host: "127.0.0.1",
  port: 0,
  threads: availableParallelism(),
  variables: readVariables(process.env),
  siteFolder: join(import.meta.dirname, "../../public"),
  logger: createConsoleLogger(),
});
process.on("message", ({ fireMs }: { readonly fireMs: number }) => {
  void server.runSchedules(fireMs).then(() => process.send?.({ fired: fireMs }));
});
process.once("SIGTERM", () => void server.stop().then(() => process.exit()));
process.send?.({ origin: server.origin });
