import * as nodeModule from "node:module";
import { join } from "node:path";

/** Beside the program, as other tools' caches: what lies in a folder that others may write to is not to be run. */
const FOLDER = join(import.meta.dirname, "../node_modules/.cache/countenance");

/**
 * Keeps compiled code, TypeScript stripped, for the next start of this thread's modules that are imported from now on. Where the
 * folder cannot be written, or this Node (20) keeps none, all works as before, only slower.
 */
export function enableCodeCache(): void {
  // A namespace, since a missing name of an import list would end the program.
  const { enableCompileCache } = nodeModule as Partial<typeof nodeModule>;
  enableCompileCache?.(FOLDER);
}
