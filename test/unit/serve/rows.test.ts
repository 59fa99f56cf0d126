import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteRows } from "../../../src/jobs/sqlite-rows.ts";
import { createJobFiles } from "../../../src/serve/job-files.ts";
import { loadNodeSqlite, loadWasmSqlite } from "../../../src/serve/sqlite-drivers.ts";
import { openWith } from "../../../src/serve/sqlite-file.ts";
import { checkJobRows } from "../../contract/job-rows.ts";

/** The rows of jobs in files, of either SQLite. */

const makeId = (n: number): string => `0190b6a5-0000-7000-8000-${String(n).padStart(12, "0")}`;

const drivers = [
  ["node:sqlite", (await loadNodeSqlite())!],
  ["WebAssembly", await loadWasmSqlite()],
] as const;

describe.each(drivers)("rows in %s", (_, openDriver) => {
  const folder = mkdtempSync(join(tmpdir(), "countenance-rows-"));
  const openSqlite = openWith(openDriver);
  const common = openSqlite(join(folder, "common.sqlite"), "disk");
  const jobs = join(folder, "jobs");
  const alarms: number[] = [];
  const files = createJobFiles(jobs, openSqlite, common.sql, (atMs) => void alarms.push(atMs));

  afterAll(() => {
    files.close();
    common.close();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it("are as those in memory, whatever happens to a job", () => {
    checkJobRows(
      (run) => createSqliteRows(files.open(makeId(run))),
      (found, expected, about) => expect({ about, found }).toEqual({ about, found: expected }),
      20,
    );
    // More jobs than are held open at once, each found again.
    const rows = createSqliteRows(files.open(makeId(1000)));
    rows.writeCheckpoint("kept");
    for (let n = 2000; n < 2080; n++) createSqliteRows(files.open(makeId(n))).writeCheckpoint("other");
    expect(createSqliteRows(files.open(makeId(1000))).readCheckpoint()).toBe("kept");
  });

  it("of jobs from before ranges were listed get what they lack, and keep what they have", () => {
    const storage = files.open(makeId(3500));
    const place = "pageKey TEXT, offset INTEGER, length INTEGER, status TEXT, attempt INTEGER";
    const columns = `(id TEXT PRIMARY KEY, first INTEGER, count INTEGER, ${place}, expiries INTEGER, dueMs INTEGER, result TEXT)`;
    storage.sql.exec("CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
    storage.sql.exec("CREATE TABLE clients (chunkId TEXT PRIMARY KEY, keyId TEXT NOT NULL, nonce TEXT NOT NULL)");
    for (const table of ["chunks", "stagedChunks"]) storage.sql.exec(`CREATE TABLE ${table} ${columns}`);
    storage.sql.exec("INSERT INTO chunks VALUES ('000000000', 0, 5, 'page', 0, 9, 'pending', 0, 0, 0, NULL)");
    const rows = createSqliteRows(storage);
    const old = rows.readChunk("000000000")!;
    expect(old).toMatchObject({ first: 0, count: 5, failures: 0 });
    expect(old).not.toHaveProperty("base");
    rows.writeChunk({ ...old, id: "000000005", first: 5, base: 5 });
    expect(
      createSqliteRows(storage)
        .listChunks(0, 9)
        .map(({ first, base }) => [first, base]),
    ).toEqual([
      [0, undefined],
      [5, 5],
    ]);
  });

  it("make no file before the first write, nor by a transaction that wrote nothing", () => {
    const id = makeId(3000);
    const rows = createSqliteRows(files.open(id));
    expect([rows.readState(), rows.readChunk("0"), rows.listEvents(0, 9)]).toEqual([null, null, []]);
    expect(rows.transaction(() => rows.readSpec())).toBeNull();
    expect(() =>
      rows.transaction(() => {
        rows.writeCheckpoint("gone");
        throw new Error("abandoned");
      }),
    ).toThrow("abandoned");
    expect(readdirSync(jobs).filter((name) => name.startsWith(id))).toEqual([]);
  });

  it("are forgotten with their file", async () => {
    const id = makeId(4000);
    const rows = createSqliteRows(files.open(id));
    rows.writeCheckpoint("something");
    expect(existsSync(join(jobs, `${id}.sqlite`))).toBe(true);
    await rows.clear();
    expect(readdirSync(jobs).filter((name) => name.startsWith(id))).toEqual([]);
    expect(rows.readCheckpoint()).toBeNull();
  });

  it.each(["../common", "", "a/b", "0190B6A5-0000-7000-8000-000000000000"])("are not opened for the id %j", (id) => {
    expect(() => files.open(id)).toThrow(expect.objectContaining({ code: "not_found" }));
  });

  it("are this process's alone", () => {
    expect(() => openSqlite(join(folder, "common.sqlite"), "disk")).toThrow(
      expect.objectContaining({ code: "config_invalid" }),
    );
  });

  it("keep an alarm until it was heard", async () => {
    const [one, two] = [files.open(makeId(1)), files.open(makeId(2))];
    await one.setAlarm(100);
    await two.setAlarm(50);
    expect([alarms, files.nextAlarm(), await one.getAlarm()]).toEqual([[100, 50], 50, 100]);
    expect(files.takeAlarm(40, 30)).toBeNull();
    const first = files.takeAlarm(60, 30)!;
    expect(first).toEqual({ jobId: makeId(2), againMs: 90 });
    // Its hearer died: it goes off again.
    expect(files.takeAlarm(95, 30)).toEqual({ jobId: makeId(2), againMs: 125 });
    files.settleAlarm(first);
    expect(await two.getAlarm()).toBe(125);
    files.settleAlarm({ jobId: makeId(2), againMs: 125 });
    expect(files.nextAlarm()).toBe(100);
    // Set anew by whoever heard it: that one stays.
    const again = files.takeAlarm(100, 30)!;
    await one.setAlarm(500);
    files.settleAlarm(again);
    expect(files.nextAlarm()).toBe(500);
    await one.deleteAlarm();
    expect(files.nextAlarm()).toBeNull();
  });
});
