/** The admin key of a server that was not given one: made once, kept in the data folder, readable by its owner only. */

import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The key, and the file that holds it. */
export function readAdminKeyFile(dataFolder: string): { readonly key: string; readonly path: string } {
  const path = join(dataFolder, "admin-key");
  try {
    // Only one process gets here at a time: the one that has locked the folder's databases.
    writeFileSync(path, `${randomBytes(32).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  return { key: readFileSync(path, "utf8").trim(), path };
}
