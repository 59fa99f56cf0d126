import { symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, inject, it } from "vitest";
import { root, run } from "./stranger.ts";

/** `countenance/testing`: somebody's store under the suites of the installed package. */

const { folder } = inject("installed");

/** What `npm install vitest fast-check` would have put there. */
beforeAll(async () => {
  for (const name of ["vitest", "fast-check"]) {
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
});

/** The suites over a store; `broken`: one that overwrites what it was asked to keep. */
async function runSuites(name: string, broken: boolean): Promise<string> {
  await writeFile(
    join(folder, `${name}.test.js`),
    `import { checkAgainstModel, describeObjectStore } from "countenance/testing";
     import { it } from "vitest";
     import { createMemoryStore } from "./node_modules/countenance/dist/src/storage/memory-store.js";
     const open = () => {
       const store = createMemoryStore();
       return ${broken ? "{ ...store, put: (key, body) => store.put(key, body) }" : "store"};
     };
     describeObjectStore({ name: "mine", open });
     it("does what a store in memory does", () => checkAgainstModel(open(), 20));`,
  );
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  return run(process.execPath, [vitest, "run", "--root", ".", `${name}.test.js`], folder);
}

it("passes a store that does what it should, and fails one that does not", async () => {
  await expect(runSuites("good-store", false)).resolves.toContain("passed");
  await expect(runSuites("bad-store", true)).rejects.toThrow("failed");
});
