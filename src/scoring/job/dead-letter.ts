/**
 * A message that the queue gave up on, remembered until its job has ended. The coordinator finds lost work by itself; a dead letter is for
 * people: it says that consumers failed at one piece of work again and again, and "send again" puts that piece on its way at once.
 */

import type { WorkMessage } from "./messages.ts";

/** One dead letter. A piece of work has at most one, however often it died. */
export interface DeadLetter {
  /** {@link nameDeadLetter} of its message. */
  readonly id: string;
  readonly message: WorkMessage;
  /** When it died first and last, ms since the epoch. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** How often it died. */
  readonly deaths: number;
  /** When it was last sent again; `null`: it was not since it died the last time. */
  readonly sentMs: number | null;
}

/** A dead letter for its readers. */
export interface DeadLetterView {
  readonly id: string;
  readonly jobId: string;
  readonly work: WorkMessage["kind"];
  /** The chunk, or the number of the step; of a range of a data set, both numbers. */
  readonly part: string;
  readonly status: "dead" | "sent";
  readonly deaths: number;
  readonly firstAt: string;
  readonly lastAt: string;
  readonly sentAt: string | null;
}

/** The port to dead letters; an `owner` of `null` stands for all keys. */
export interface DeadLetterDirectory {
  /** Remembers that a message died; one that died before and was sent again is dead again. */
  noteDeadLetter(message: WorkMessage, nowMs: number): Promise<void>;
  /** Newest death first. `total` counts those that are not listed too. */
  listDeadLetters(owner: string | null, limit: number): Promise<{ letters: readonly DeadLetter[]; total: number }>;
  readDeadLetter(id: string, owner: string | null): Promise<DeadLetter | null>;
  /** Notes that it was sent again. */
  markDeadLetterSent(id: string, nowMs: number): Promise<void>;
}

/** What makes two messages the same piece of work; holds no `/`. */
export function nameDeadLetter(message: WorkMessage): string {
  return `${message.jobId}.${message.kind}.${namePart(message)}`;
}

function namePart(message: WorkMessage): string {
  if (message.kind === "score") return message.chunkId;
  // A step of one range is another range's too.
  if (message.kind === "merge" || message.kind === "scan") return `${message.range}-${message.step}`;
  return String(message.kind === "notify" ? message.eventId : message.step);
}

/** A dead letter as API, command line and console show it. */
export function viewDeadLetter({ id, message, firstMs, lastMs, deaths, sentMs }: DeadLetter): DeadLetterView {
  return {
    id,
    jobId: message.jobId,
    work: message.kind,
    part: namePart(message),
    status: sentMs === null ? "dead" : "sent",
    deaths,
    firstAt: new Date(firstMs).toISOString(),
    lastAt: new Date(lastMs).toISOString(),
    sentAt: sentMs === null ? null : new Date(sentMs).toISOString(),
  };
}
