import { defineCommand } from "citty";
import { WEB_ARG } from "../remote/console-page.ts";
import { CONNECTION_ARGS } from "../remote/connection.ts";
import { listModelsCommand } from "../remote/job-commands.ts";
import { exportCommand } from "./export-command.ts";
import { importCommand } from "./import-command.ts";

/** `countenance models`: those of a server; networks of other libraries in, and models out. */
export const modelsCommand = defineCommand({
  meta: { name: "models", description: "The models of the server; import a network of your own, export a model" },
  // Of the list, whose name may be left out: what follows an option is no command.
  args: { ...WEB_ARG, ...CONNECTION_ARGS },
  subCommands: { list: listModelsCommand, import: importCommand, export: exportCommand },
  default: "list",
});
