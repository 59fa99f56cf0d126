import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { lockFolder } from "../../../src/serve/folder-lock.ts";

/** A data folder is one process's, until that process ends, however it ends. */

const root = mkdtempSync(join(tmpdir(), "countenance-lock-"));
const inUse = expect.objectContaining({ code: "config_invalid", detail: expect.stringContaining("in use") });

afterAll(() => rmSync(root, { recursive: true, force: true }));

it("is held by one at a time", async () => {
  const lock = await lockFolder(root);
  await expect(lockFolder(root)).rejects.toThrow(inUse);
  await lock.release();
  await (await lockFolder(root)).release();
});

it("is free again after a kill, and one of those who ask at once gets it", async () => {
  const source = join(import.meta.dirname, "../../../src/serve/folder-lock.ts");
  const holder = join(root, "holder.mjs");
  writeFileSync(
    holder,
    `import { lockFolder } from ${JSON.stringify(source)};
     await lockFolder(process.argv[2]);
     process.send("held");
     setInterval(() => {}, 1000);`,
  );
  const child = fork(holder, [root]);
  await once(child, "message");
  await expect(lockFolder(root)).rejects.toThrow(inUse);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(existsSync(join(root, "server.lock"))).toBe(process.platform !== "win32");
  const outcomes = await Promise.allSettled([lockFolder(root), lockFolder(root), lockFolder(root)]);
  const held = outcomes.filter(({ status }) => status === "fulfilled");
  expect(held).toHaveLength(1);
  for (const { value } of held as PromiseFulfilledResult<Awaited<ReturnType<typeof lockFolder>>>[])
    await value.release();
});

it("holds a folder whose name is too long for a socket", async () => {
  const folder = mkdtempSync(join(root, "x".repeat(120)));
  const lock = await lockFolder(folder);
  await expect(lockFolder(folder)).rejects.toThrow(inUse);
  await lock.release();
});
