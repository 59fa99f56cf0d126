import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { createFilesystemStore } from "../../../src/storage/filesystem/filesystem-store.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import { describeObjectStore } from "../../contract/object-store.ts";

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describeObjectStore({ name: "memory", open: () => createMemoryStore() });

describeObjectStore({
  name: "filesystem",
  async open() {
    const folder = await mkdtemp(join(tmpdir(), "countenance-store-"));
    folders.push(folder);
    return createFilesystemStore(join(folder, "not-made-yet"));
  },
  refuses: (key) => key.split("/").some((segment) => ["", ".", ".."].includes(segment)),
});
