import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeInput, sampleKeys } from "../../../cli/score/local-input.ts";

describe("the input of a local run", () => {
  let folder: string;
  const keys = Array.from({ length: 40 }, (_, at) => `night ${at % 4}/${String(at).padStart(2, "0")}.jpg`).sort();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "countenance-input-"));
    for (const key of keys) {
      await mkdir(dirname(join(folder, key)), { recursive: true });
      await writeFile(join(folder, key), key);
    }
    await writeFile(join(folder, "people.csv"), "key\nnight 0/00.jpg\n");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("is a sample that is always the same, in key order, and within a larger one", async () => {
    const ten = await sampleKeys(folder, 10);
    expect(ten).toHaveLength(10);
    expect(ten).toEqual([...ten].sort());
    expect(await sampleKeys(folder, 10)).toEqual(ten);
    expect(await sampleKeys(folder, 20)).toEqual(expect.arrayContaining([...ten]));
    expect(await sampleKeys(folder, 100)).toHaveLength(keys.length + 1);
  });

  it("is a list in a store of its own", async () => {
    expect(await describeInput(folder, { list: join(folder, "people.csv") })).toEqual({
      folder,
      listFolder: folder,
      format: "image",
      input: { manifest: { store: "list", key: "people.csv" } },
    });
  });

  it.each([
    [{ list: "people.csv", sample: 1 }, "give one of them"],
    [{ list: "no-such.csv" }, "no-such.csv: no such file"],
    [{ sample: 0 }, "--sample: 0 is not a number from 1 to"],
  ])("refuses %j", async (options, message) => {
    await expect(describeInput(folder, options)).rejects.toThrow(message);
  });

  it("refuses a sample of one file", async () => {
    await expect(describeInput(join(folder, "people.csv"), { sample: 1 })).rejects.toThrow("is not a folder");
  });
});
