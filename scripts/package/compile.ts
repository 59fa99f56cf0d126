import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** JavaScript and source maps into `dist/`, declarations into `build/types/`. @throws Error with the compiler's findings */
export async function compileSources(root: string): Promise<void> {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  try {
    await promisify(execFile)(process.execPath, [compiler, "-p", "tsconfig.build.json"], { cwd: root });
  } catch (cause) {
    const output = cause instanceof Error && "stdout" in cause ? String(cause.stdout) : String(cause);
    throw new Error(`the package does not compile:\n${output}`, { cause });
  }
}
