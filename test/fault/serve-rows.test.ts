import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { createSqliteRows } from "../../src/jobs/sqlite-rows.ts";
import { createJobFiles, type JobFiles } from "../../src/serve/job-files.ts";
import { loadNodeSqlite, loadWasmSqlite } from "../../src/serve/sqlite-drivers.ts";
import { openWith } from "../../src/serve/sqlite-file.ts";
import { HEALABLE_RATES } from "./fault-store.ts";
import { checkSuccess, readOutputs, run } from "./scene.ts";

/** The troubles of the simulation over the rows of a server of one's own: files of SQLite. */

/** Seeds for each driver; `SIMULATION_RUNS=1000` for a long look. */
const RUNS = Number(process.env["SIMULATION_RUNS"] ?? 3);
vi.setConfig({ testTimeout: 300_000 + RUNS * 20_000 });

const drivers = [
  ["node:sqlite", (await loadNodeSqlite())!],
  ["WebAssembly", await loadWasmSqlite()],
] as const;

describe.each(drivers)("rows in %s", (_, openDriver) => {
  const folder = mkdtempSync(join(tmpdir(), "countenance-fault-"));
  const openSqlite = openWith(openDriver);
  const common = openSqlite(join(folder, "common.sqlite"), "system");
  let files: JobFiles = open();

  function open(): JobFiles {
    return createJobFiles(join(folder, "jobs"), openSqlite, common.sql, () => {});
  }

  afterAll(() => {
    files.close();
    common.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("end with the outputs of a calm day, whatever happens", async () => {
    const calm = await readOutputs((await run({})).store);
    for (let seed = 1; seed <= RUNS; seed++) {
      const id = `0190b6a5-0000-7000-8000-${String(seed).padStart(12, "0")}`;
      const { result, store } = await run({
        seed,
        duplicateRate: 0.2,
        loseRate: 0.1,
        killRate: 0.03,
        leapRate: 0.01,
        stopRate: 0.2,
        faults: HEALABLE_RATES,
        rows: createSqliteRows(files.open(id)),
      });
      expect(result.state.failure, `seed ${seed}`).toBeNull();
      expect(await readOutputs(store), `seed ${seed}`).toEqual(calm);
      await checkSuccess(store, { allowLate: true });
      // Another process finds the same.
      files.close();
      files = open();
      expect(createSqliteRows(files.open(id)).readState(), `seed ${seed}`).toEqual(result.state);
    }
  });
});
