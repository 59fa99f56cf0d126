/** The directory's rows of schedules and their runs. */

import type { JobView } from "../scoring/job/job-view.ts";
import type {
  ScheduleDirectory,
  ScheduleRecord,
  ScheduleRun,
  ScheduleRunRecord,
} from "../scoring/schedules/schedule.ts";
import { parseStored } from "../scoring/stored-json.ts";
import { createLookRows } from "./look-rows.ts";
import type { SqlDatabase } from "./sql-port.ts";

/** The tables; `jobs` is the directory's own. */
export const SCHEDULE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS schedules (id TEXT PRIMARY KEY, owner TEXT NOT NULL, revision INTEGER NOT NULL, nextDueMs INTEGER, record TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS schedules_due ON schedules (nextDueMs) WHERE nextDueMs IS NOT NULL;
  CREATE TABLE IF NOT EXISTS scheduleRuns (scheduleId TEXT NOT NULL, dueMs INTEGER NOT NULL, jobId TEXT, record TEXT NOT NULL, PRIMARY KEY (scheduleId, dueMs));
`;

/** No other call runs between the statements of one call. */
export type ScheduleRows = {
  readonly [K in keyof ScheduleDirectory]: (
    ...args: Parameters<ScheduleDirectory[K]>
  ) => Awaited<ReturnType<ScheduleDirectory[K]>>;
};

/** The rows over the directory's database. */
export function createScheduleRows(sql: SqlDatabase): ScheduleRows {
  sql.exec(SCHEDULE_SCHEMA);
  const looks = createLookRows(sql);
  const readRecords = (query: string, ...values: SqlValue[]): ScheduleRecord[] =>
    sql
      .exec<{ record: string }>(query, ...values)
      .toArray()
      .map(({ record }) => parseStored<ScheduleRecord>(record));
  const listRuns = (id: string, limit: number): readonly ScheduleRun[] =>
    sql
      .exec<{ record: string; view: string | null }>(
        `SELECT record, view FROM scheduleRuns LEFT JOIN jobs ON jobs.id = scheduleRuns.jobId
           WHERE scheduleId = ? ORDER BY dueMs DESC LIMIT ?`,
        id,
        limit,
      )
      .toArray()
      .map(({ record, view }) => ({
        ...parseStored<ScheduleRunRecord>(record),
        job: view === null ? null : foldView(parseStored<JobView>(view)),
      }));
  return {
    addSchedule(record, nextDueMs, maxPerOwner) {
      const { id, owner, revision } = record;
      const held = sql.exec<{ n: number }>("SELECT count(*) AS n FROM schedules WHERE owner = ?", owner).one().n;
      if (held >= maxPerOwner) return false;
      sql.exec("INSERT INTO schedules VALUES (?, ?, ?, ?, ?)", id, owner, revision, nextDueMs, JSON.stringify(record));
      return true;
    },
    replaceSchedule(record, nextDueMs) {
      const { id, revision } = record;
      const changed = sql.exec(
        "UPDATE schedules SET revision = ?, nextDueMs = ?, record = ? WHERE id = ? AND revision = ? RETURNING id",
        revision,
        nextDueMs,
        JSON.stringify(record),
        id,
        revision - 1,
      );
      return changed.toArray().length > 0;
    },
    readSchedule: (id) => readRecords("SELECT record FROM schedules WHERE id = ?", id)[0] ?? null,
    listSchedules({ owner, cursor, limit, runs }) {
      // Ids are UUIDv7: their order is the order of creation.
      const found = readRecords(
        "SELECT record FROM schedules WHERE id > ?1 AND (?2 IS NULL OR owner = ?2) ORDER BY id LIMIT ?3",
        cursor ?? "",
        owner,
        limit + 1,
      );
      const page = found.slice(0, limit);
      return {
        schedules: page.map((record) => ({ record, runs: listRuns(record.id, runs) })),
        cursor: found.length > limit ? (page.at(-1)?.id ?? null) : null,
      };
    },
    listFeeds: (store) =>
      readRecords(
        `SELECT record FROM schedules WHERE json_extract(record, '$.enabled') AND json_extract(record, '$.manifest.input.open')
         AND json_extract(record, '$.manifest.input.store') = ? ORDER BY id`,
        store,
      ),
    takeDueSchedule: (nowMs) =>
      readRecords(
        `UPDATE schedules SET nextDueMs = ?1 + 1
         WHERE id = (SELECT id FROM schedules WHERE nextDueMs <= ?1 ORDER BY nextDueMs LIMIT 1) RETURNING record`,
        nowMs,
      )[0] ?? null,
    settleSchedule(id, revision, settledMs, nextDueMs) {
      sql.exec(
        `UPDATE schedules SET nextDueMs = ?1, record = json_set(record, '$.settledMs', ?2)
         WHERE id = ?3 AND revision = ?4 AND json_extract(record, '$.settledMs') <= ?2`,
        nextDueMs,
        settledMs,
        id,
        revision,
      );
    },
    removeSchedule(id) {
      sql.exec("DELETE FROM scheduleRuns WHERE scheduleId = ?", id);
      looks.forget(id);
      return sql.exec("DELETE FROM schedules WHERE id = ? RETURNING id", id).toArray().length > 0;
    },
    writeScheduleRun(run, keep) {
      const { scheduleId, dueMs, jobId } = run;
      // A schedule that was removed meanwhile leaves no runs behind.
      sql.exec(
        `INSERT OR REPLACE INTO scheduleRuns
         SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM schedules WHERE id = ?1)`,
        scheduleId,
        dueMs,
        jobId,
        JSON.stringify(run),
      );
      sql.exec(
        `DELETE FROM scheduleRuns WHERE scheduleId = ?1 AND dueMs NOT IN
         (SELECT dueMs FROM scheduleRuns WHERE scheduleId = ?1 ORDER BY dueMs DESC LIMIT ?2)`,
        scheduleId,
        keep,
      );
    },
    listScheduleRuns: listRuns,
    wantScheduleLook: (...args) => looks.want(...args),
    takeScheduleLook: (...args) => looks.take(...args),
    writeScheduleLook: (...args) => looks.write(...args),
    readScheduleLook: (...args) => looks.read(...args),
  };
}

function foldView(view: Omit<JobView, "dollars"> & { readonly dollars?: number }): NonNullable<ScheduleRun["job"]> {
  const { status, counts } = view;
  const { scored, failed } = counts.outcomes;
  // Views of before costs were counted have none.
  return { status, listed: counts.listed, scored, failed, dollars: view.dollars ?? null };
}
