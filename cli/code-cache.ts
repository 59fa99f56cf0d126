import * as nodeModule from "node:module";
import { join } from "node:path";

/** Beside the program, like other tools' caches: code in a folder that others may write to must not be run. */
const FOLDER = join(import.meta.dirname, "../node_modules/.cache/countenance");

/**
 * Keeps compiled code, TypeScript stripped, of modules that this thread imports from now on, for its next start. If the
 * folder cannot be written, or this Node (20) keeps none, everything works, only more slowly.
 */
export function enableCodeCache(): void {
  // A namespace, since a missing name of an import list would end the program.
  const { enableCompileCache } = nodeModule as Partial<typeof nodeModule>;
  enableCompileCache?.(FOLDER);
}
