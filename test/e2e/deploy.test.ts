import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
/** Cloudflare's limit of a Worker on the paid plan, compressed. https://developers.cloudflare.com/workers/platform/limits/ */
const MAX_GZIP_KIB = 10 * 1024;

it("production bundles without an account, below the platform's limit", () => {
  const folder = mkdtempSync(join(tmpdir(), "countenance-bundle-"));
  try {
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [wrangler, "deploy", "--dry-run", "--env", "production", "--outdir", folder],
      { cwd: root, encoding: "utf8", env: { ...process.env, CLOUDFLARE_API_TOKEN: "", NO_COLOR: "1" } },
    );
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    const gzipKib = Number(/gzip: ([\d.]+) KiB/.exec(stdout)?.[1]);
    expect(gzipKib).toBeGreaterThan(500);
    expect(gzipKib).toBeLessThan(MAX_GZIP_KIB);
    for (const name of ["faces-production", "chunks-production", "countenance_production"])
      expect(stdout).toContain(name);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
