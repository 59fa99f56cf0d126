/**
 * A queue in a table, like the platform's: at least once, with delays, redelivery and dead letters. A message exists from the moment it
 * was sent until it is settled; a message that is held is delivered again if its consumer stays silent, or when the process restarts.
 */

import type { WorkMessage } from "../scoring/job/messages.ts";
import type { QueueDepth } from "../scoring/operations/queue-depth.ts";
import { parseStored } from "../scoring/stored-json.ts";
import type { SqlDatabase } from "../jobs/sql-port.ts";

/** `dueMs`: when a message may be delivered or, while it is held, when it is taken for lost. `attempts`: deliveries so far. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, jobId TEXT NOT NULL, lane TEXT NOT NULL, body TEXT NOT NULL, sentMs INTEGER NOT NULL,
    dueMs INTEGER NOT NULL, attempts INTEGER NOT NULL, held INTEGER NOT NULL, dead INTEGER NOT NULL);
  CREATE INDEX IF NOT EXISTS messages_due ON messages (lane, dueMs);
  CREATE INDEX IF NOT EXISTS messages_body ON messages (body) WHERE held = 0 AND dead = 0;
  CREATE INDEX IF NOT EXISTS messages_held ON messages (jobId) WHERE held = 1;
`;

/** Deliveries of a message, and of a dead letter, before it is given up: `max_retries` of wrangler.toml, plus the first. */
const MAX_DELIVERIES = 4;
const MAX_DEAD_DELIVERIES = 11;

/** Who takes a message: the threads that plan, score and merge, or the main thread, which only sends notices. */
export type Lane = "work" | "notify";

/** One delivery. */
export interface Delivery {
  readonly id: number;
  readonly body: WorkMessage;
  readonly sentMs: number;
  /** From 1; counted from 1 again for a dead letter. */
  readonly attempts: number;
  readonly dead: boolean;
}

/** The queue of one database. */
export interface QueueRows {
  /** Sends a message, unless an equal one still waits and will be delivered no later. */
  send(messages: readonly { readonly message: WorkMessage; readonly delaySeconds: number }[], nowMs: number): void;
  /** Takes the next message that is due, of the job with the fewest under way, and holds it for `holdMs`; `null` if there is none. */
  take(lane: Lane, nowMs: number, holdMs: number): Delivery | null;
  /** Removes a message that is done. Nothing happens if it has been delivered to another consumer in the meantime. */
  settle(delivery: Delivery): void;
  /** Returns a message: it is delivered again, or becomes a dead letter; a dead letter is forgotten in the end. */
  retry(delivery: Delivery, delaySeconds: number, nowMs: number): "later" | "dead" | "dropped";
  /** Releases all held messages, as if their consumers had died; returns them, with the delivery that failed. */
  releaseHeld(nowMs: number): readonly Delivery[];
  /** How much waits, held and delayed messages among it, dead letters not. */
  readDepth(): QueueDepth;
  /** When the next message of a lane may be delivered; `null` if none waits. */
  nextDue(lane: Lane): number | null;
}

interface Row extends Record<string, SqlValue> {
  readonly id: number;
  readonly body: string;
  readonly sentMs: number;
  readonly attempts: number;
  readonly dead: number;
}

const readRow = ({ id, body, sentMs, attempts, dead }: Row): Delivery => ({
  id,
  body: parseStored<WorkMessage>(body),
  sentMs,
  attempts,
  dead: dead === 1,
});

const chooseLane = ({ kind }: WorkMessage): Lane => (kind === "notify" ? "notify" : "work");

const isSpent = ({ attempts, dead }: Delivery): boolean => attempts >= (dead ? MAX_DEAD_DELIVERIES : MAX_DELIVERIES);

/** The rows; the table is made where it is missing. @param transaction all writes of its body or none */
export function createQueueRows(sql: SqlDatabase, transaction: <T>(body: () => T) => T): QueueRows {
  sql.exec(SCHEMA);

  function giveUp({ id, attempts, dead }: Delivery, dueMs: number): "dead" | "dropped" {
    if (dead) {
      sql.exec("DELETE FROM messages WHERE id = ? AND attempts = ?", id, attempts);
      return "dropped";
    }
    sql.exec(
      "UPDATE messages SET dead = 1, attempts = 0, held = 0, dueMs = ? WHERE id = ? AND attempts = ?",
      dueMs,
      id,
      attempts,
    );
    return "dead";
  }

  return {
    send: (messages, nowMs) =>
      transaction(() => {
        for (const { message, delaySeconds } of messages) {
          const body = JSON.stringify(message);
          const dueMs = nowMs + delaySeconds * 1000;
          sql.exec(
            `INSERT INTO messages (jobId, lane, body, sentMs, dueMs, attempts, held, dead) SELECT ?1, ?2, ?3, ?4, ?5, 0, 0, 0
             WHERE NOT EXISTS (SELECT 1 FROM messages WHERE body = ?3 AND held = 0 AND dead = 0 AND attempts = 0 AND dueMs <= ?5)`,
            message.jobId,
            chooseLane(message),
            body,
            nowMs,
            dueMs,
          );
        }
      }),
    take: (lane, nowMs, holdMs) =>
      transaction(() => {
        for (;;) {
          const row = sql
            .exec<Row>(
              `SELECT id, body, sentMs, attempts, dead FROM messages AS waiting WHERE lane = ? AND dueMs <= ?
               ORDER BY (SELECT count(*) FROM messages WHERE held = 1 AND jobId = waiting.jobId), dueMs, id LIMIT 1`,
              lane,
              nowMs,
            )
            .toArray()[0];
          if (row === undefined) return null;
          const last = readRow(row);
          // Its last consumer stayed silent.
          if (isSpent(last)) {
            giveUp(last, nowMs);
            continue;
          }
          sql.exec(
            "UPDATE messages SET attempts = attempts + 1, held = 1, dueMs = ? WHERE id = ?",
            nowMs + holdMs,
            last.id,
          );
          return { ...last, attempts: last.attempts + 1 };
        }
      }),
    settle: ({ id, attempts, dead }) =>
      void sql.exec("DELETE FROM messages WHERE id = ? AND attempts = ? AND dead = ?", id, attempts, dead ? 1 : 0),
    retry(delivery, delaySeconds, nowMs) {
      if (isSpent(delivery)) return giveUp(delivery, nowMs);
      const { id, attempts, dead } = delivery;
      sql.exec(
        "UPDATE messages SET held = 0, dueMs = ? WHERE id = ? AND attempts = ? AND dead = ?",
        nowMs + delaySeconds * 1000,
        id,
        attempts,
        dead ? 1 : 0,
      );
      return "later";
    },
    releaseHeld: (nowMs) =>
      transaction(() => {
        const held = sql
          .exec<Row>("SELECT id, body, sentMs, attempts, dead FROM messages WHERE held = 1 ORDER BY id")
          .toArray();
        sql.exec("UPDATE messages SET held = 0, dueMs = ? WHERE held = 1", nowMs);
        return held.map(readRow);
      }),
    readDepth: () =>
      sql
        .exec<{ backlog: number; oldestMs: number | null }>(
          "SELECT count(*) AS backlog, min(sentMs) AS oldestMs FROM messages WHERE dead = 0",
        )
        .one(),
    nextDue: (lane) =>
      sql.exec<{ dueMs: number | null }>("SELECT min(dueMs) AS dueMs FROM messages WHERE lane = ?", lane).one().dueMs,
  };
}
