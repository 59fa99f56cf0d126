/** The rows of what came into an open job: the inputs until they are planned, and the names by which they are known. */

import type { JobRows } from "../scoring/job/job-rows.ts";
import type { ArrivedInput } from "../scoring/manifest/input-spec.ts";
import { parseStored } from "../scoring/stored-json.ts";
import type { SqlDatabase } from "./sql-port.ts";

/** The tables. */
export const ARRIVAL_SCHEMA = `
  CREATE TABLE IF NOT EXISTS arrivals (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, inputs TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS arrived (name TEXT PRIMARY KEY) WITHOUT ROWID;
`;

type ArrivalRows = Pick<
  JobRows,
  "listUnknownArrivals" | "addArrivals" | "findBatchEnd" | "readArrivals" | "dropArrivals"
>;

/** The rows over the job's database; only those of open jobs are ever asked for. */
export function createArrivalRows(sql: SqlDatabase): ArrivalRows {
  return {
    listUnknownArrivals: (names) =>
      sql
        .exec<{ name: string }>(
          `SELECT value AS name FROM json_each(?) WHERE value NOT IN (SELECT name FROM arrived) ORDER BY key`,
          JSON.stringify(names),
        )
        .toArray()
        .map(({ name }) => name),
    addArrivals(first, inputs, names) {
      sql.exec("INSERT INTO arrivals VALUES (?, ?, ?)", first, inputs.length, JSON.stringify(inputs));
      sql.exec("INSERT INTO arrived SELECT value FROM json_each(?)", JSON.stringify(names));
    },
    findBatchEnd(from, maxInputs, maxLength) {
      const { end } = sql
        .exec<{ end: number }>(
          `SELECT coalesce(max(first + count), ?1) AS end FROM (
             SELECT first, count, sum(length(inputs)) OVER (ORDER BY first) AS total FROM arrivals WHERE first >= ?1)
           WHERE (first + count <= ?1 + ?2 AND total <= ?3) OR first = ?1`,
          from,
          maxInputs,
          maxLength,
        )
        .one();
      return end;
    },
    readArrivals: (from, end) =>
      sql
        .exec<{ inputs: string }>(
          "SELECT inputs FROM arrivals WHERE first >= ? AND first < ? ORDER BY first",
          from,
          end,
        )
        .toArray()
        .flatMap(({ inputs }) => parseStored<ArrivedInput[]>(inputs)),
    dropArrivals(before) {
      if (before === null) sql.exec("DELETE FROM arrived");
      sql.exec("DELETE FROM arrivals WHERE ?1 IS NULL OR first < ?1", before);
    },
  };
}
