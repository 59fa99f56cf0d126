/** The directory's rows about looking after schedules: when it is due, and what is remembered. */

import { type LookState, NO_LOOK, type ScheduleLook } from "../scoring/schedules/schedule-look.ts";
import { parseStored } from "../scoring/stored-json.ts";
import type { SqlDatabase } from "./sql-port.ts";

const LOOK_SCHEMA = `
  CREATE TABLE IF NOT EXISTS scheduleLooks (scheduleId TEXT PRIMARY KEY, atMs INTEGER, wanted INTEGER NOT NULL, revision INTEGER NOT NULL, state TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS scheduleLooks_due ON scheduleLooks (atMs) WHERE atMs IS NOT NULL;
`;

/** See LookDirectory. No other call runs between the statements of one call. */
export interface LookRows {
  want(scheduleId: string, atMs: number): void;
  take(nowMs: number, leaseMs: number): ScheduleLook | null;
  write(look: ScheduleLook, nextMs: number | null, nowMs: number): boolean;
  read(scheduleId: string): LookState;
  forget(scheduleId: string): void;
}

interface Row extends Record<string, SqlValue> {
  readonly scheduleId: string;
  readonly wanted: number;
  readonly revision: number;
  readonly state: string;
}

/** The rows over the directory's database; `schedules` is a table of the caller. */
export function createLookRows(sql: SqlDatabase): LookRows {
  sql.exec(LOOK_SCHEMA);
  return {
    want(scheduleId, atMs) {
      sql.exec(
        `INSERT INTO scheduleLooks SELECT ?1, ?2, 1, 0, ?3 WHERE EXISTS (SELECT 1 FROM schedules WHERE id = ?1)
         ON CONFLICT (scheduleId) DO UPDATE SET wanted = wanted + 1, atMs = min(coalesce(atMs, ?2), ?2)`,
        scheduleId,
        atMs,
        JSON.stringify(NO_LOOK),
      );
    },
    take(nowMs, leaseMs) {
      const row = sql
        .exec<Row>(
          `UPDATE scheduleLooks SET atMs = ?2 WHERE scheduleId =
             (SELECT scheduleId FROM scheduleLooks WHERE atMs <= ?1 ORDER BY atMs LIMIT 1)
           RETURNING scheduleId, wanted, revision, state`,
          nowMs,
          nowMs + leaseMs,
        )
        .toArray()[0];
      if (row === undefined) return null;
      return { ...row, state: parseStored<LookState>(row.state) };
    },
    write({ scheduleId, revision, wanted, state }, nextMs, nowMs) {
      const written = sql.exec(
        `UPDATE scheduleLooks SET state = ?1, revision = revision + 1, atMs = CASE WHEN wanted = ?2 THEN ?3 ELSE ?4 END
         WHERE scheduleId = ?5 AND revision = ?6 RETURNING scheduleId`,
        JSON.stringify(state),
        wanted,
        nextMs,
        nowMs,
        scheduleId,
        revision,
      );
      return written.toArray().length > 0;
    },
    read(scheduleId) {
      const [row] = sql
        .exec<{ state: string }>("SELECT state FROM scheduleLooks WHERE scheduleId = ?", scheduleId)
        .toArray();
      return row === undefined ? NO_LOOK : parseStored<LookState>(row.state);
    },
    forget: (scheduleId) => void sql.exec("DELETE FROM scheduleLooks WHERE scheduleId = ?", scheduleId),
  };
}
