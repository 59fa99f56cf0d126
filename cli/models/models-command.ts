import { defineCommand } from "citty";
import { exportCommand } from "./export-command.ts";
import { importCommand } from "./import-command.ts";

/** `countenance models`: networks of other libraries in, and models out. */
export const modelsCommand = defineCommand({
  meta: { name: "models", description: "Import a network of your own, export a model" },
  subCommands: { import: importCommand, export: exportCommand },
});
