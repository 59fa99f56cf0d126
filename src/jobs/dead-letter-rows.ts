/** The directory's rows about messages that the queue gave up on. */

import { type DeadLetter, type DeadLetterDirectory, nameDeadLetter } from "../scoring/job/dead-letter.ts";
import type { WorkMessage } from "../scoring/job/messages.ts";
import { LIMITS } from "../scoring/limits.ts";
import { parseStored } from "../scoring/stored-json.ts";
import type { SqlDatabase } from "./sql-port.ts";

const DEAD_LETTER_SCHEMA = `
  CREATE TABLE IF NOT EXISTS dead_letters (id TEXT PRIMARY KEY, jobId TEXT NOT NULL, message TEXT NOT NULL, firstMs INTEGER NOT NULL,
    lastMs INTEGER NOT NULL, deaths INTEGER NOT NULL, sentMs INTEGER);
  CREATE INDEX IF NOT EXISTS dead_letters_job ON dead_letters (jobId);
  CREATE INDEX IF NOT EXISTS dead_letters_age ON dead_letters (lastMs);
`;

interface Row extends Record<string, SqlValue> {
  readonly id: string;
  readonly message: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly deaths: number;
  readonly sentMs: number | null;
}

/** See DeadLetterDirectory; `forget` is for a job that has ended or is gone. */
export interface DeadLetterRows extends DeadLetterDirectory {
  forget(jobId: string): void;
  countDead(): number;
}

const COLUMNS = "id, message, firstMs, lastMs, deaths, sentMs";
/** A letter of a key's own jobs: `admissions` is the directory's table of who made which job. */
const OWNED = "(?1 IS NULL OR jobId IN (SELECT jobId FROM admissions WHERE owner = ?1))";

const readRow = ({ message, ...rest }: Row): DeadLetter => ({ ...rest, message: parseStored<WorkMessage>(message) });

/** The rows over the directory's database. */
export function createDeadLetterRows(sql: SqlDatabase): DeadLetterRows {
  sql.exec(DEAD_LETTER_SCHEMA);
  return {
    async noteDeadLetter(message, nowMs) {
      sql.exec(
        `INSERT INTO dead_letters VALUES (?, ?, ?, ?4, ?4, 1, NULL)
         ON CONFLICT (id) DO UPDATE SET message = excluded.message, lastMs = excluded.lastMs, deaths = deaths + 1, sentMs = NULL`,
        nameDeadLetter(message),
        message.jobId,
        JSON.stringify(message),
        nowMs,
      );
      sql.exec(
        `DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters ORDER BY lastMs DESC, id LIMIT -1 OFFSET ?)`,
        LIMITS.maxDeadLetters,
      );
    },
    async listDeadLetters(owner, limit) {
      const letters = sql
        .exec<Row>(`SELECT ${COLUMNS} FROM dead_letters WHERE ${OWNED} ORDER BY lastMs DESC, id LIMIT ?2`, owner, limit)
        .toArray()
        .map(readRow);
      const { total } = sql
        .exec<{ total: number }>(`SELECT count(*) AS total FROM dead_letters WHERE ${OWNED}`, owner)
        .one();
      return { letters, total };
    },
    async readDeadLetter(id, owner) {
      const row = sql
        .exec<Row>(`SELECT ${COLUMNS} FROM dead_letters WHERE ${OWNED} AND id = ?2`, owner, id)
        .toArray()[0];
      return row === undefined ? null : readRow(row);
    },
    async markDeadLetterSent(id, nowMs) {
      // One that died again in the meantime is dead.
      sql.exec("UPDATE dead_letters SET sentMs = ?1 WHERE id = ?2 AND lastMs <= ?1", nowMs, id);
    },
    forget: (jobId) => void sql.exec("DELETE FROM dead_letters WHERE jobId = ?", jobId),
    countDead: () =>
      sql.exec<{ dead: number }>("SELECT count(*) AS dead FROM dead_letters WHERE sentMs IS NULL").one().dead,
  };
}
