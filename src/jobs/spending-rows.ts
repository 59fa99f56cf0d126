/** The directory's rows about what jobs have cost, by month, for the budgets of keys. */

import type { SqlDatabase } from "./sql-port.ts";

const SPENDING_SCHEMA = `
  CREATE TABLE IF NOT EXISTS spendings (jobId TEXT NOT NULL, month TEXT NOT NULL, owner TEXT NOT NULL, dollars REAL NOT NULL,
    PRIMARY KEY (jobId, month));
  CREATE INDEX IF NOT EXISTS spendings_owner ON spendings (owner, month);
`;

/** Jobs live for seven days at most, so what is older than two months is nobody's any more. */
const KEEP_MS = 62 * 86_400_000;

/** The rows; no other call runs between the statements of one call. */
export interface SpendingRows {
  /** Notes what a job has cost in all. Less than was noted before changes nothing. @returns the owner's dollars of the month */
  note(jobId: string, owner: string, dollars: number, nowMs: number): number;
  /** Dollars of an owner's jobs in the month (UTC) of `nowMs`. */
  sum(owner: string, nowMs: number): number;
}

const findMonth = (nowMs: number): string => new Date(nowMs).toISOString().slice(0, 7);

/** The rows over the directory's database. */
export function createSpendingRows(sql: SqlDatabase): SpendingRows {
  sql.exec(SPENDING_SCHEMA);
  const sum = (owner: string, nowMs: number): number =>
    sql
      .exec<{ dollars: number }>(
        "SELECT coalesce(sum(dollars), 0) AS dollars FROM spendings WHERE owner = ? AND month = ?",
        owner,
        findMonth(nowMs),
      )
      .one().dollars;
  return {
    sum,
    note(jobId, owner, dollars, nowMs) {
      sql.exec("DELETE FROM spendings WHERE month < ?", findMonth(nowMs - KEEP_MS));
      const { known } = sql
        .exec<{ known: number }>("SELECT coalesce(sum(dollars), 0) AS known FROM spendings WHERE jobId = ?", jobId)
        .one();
      if (dollars > known) {
        sql.exec(
          `INSERT INTO spendings VALUES (?, ?, ?, ?4)
           ON CONFLICT (jobId, month) DO UPDATE SET dollars = dollars + ?4`,
          jobId,
          findMonth(nowMs),
          owner,
          dollars - known,
        );
      }
      return sum(owner, nowMs);
    },
  };
}
