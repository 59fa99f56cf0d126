/** Listing dead letters, and sending one again. */

import { ScoringError } from "../../errors.ts";
import type { Caller } from "../access/access.ts";
import { type DeadLetterDirectory, type DeadLetterView, viewDeadLetter } from "../job/dead-letter.ts";
import type { Clock, WorkQueue } from "../job/messages.ts";

/** What these requests work with. */
export interface DeadLetterDeps {
  readonly deadLetters: DeadLetterDirectory;
  readonly queue: WorkQueue;
  readonly clock: Clock;
}

/** A page of dead letters. */
export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterView[];
  /** Of all, also those that the page has no room for. */
  readonly total: number;
}

const findOwner = ({ scopes, keyId }: Caller): string | null => (scopes.includes("admin") ? null : keyId);

/** Those of the key's jobs (with an admin key, of all), newest death first. */
export async function listDeadLetters(deps: DeadLetterDeps, caller: Caller, limit: number): Promise<DeadLetterPage> {
  const { letters, total } = await deps.deadLetters.listDeadLetters(findOwner(caller), limit);
  return { deadLetters: letters.map(viewDeadLetter), total };
}

/**
 * Puts the work of a dead letter on its way again. Work that was done in the meantime is refused by its job's coordinator, so that sending
 * too often does no harm.
 * @throws ScoringError `not_found`, `queue_unavailable`
 */
export async function sendDeadLetter(deps: DeadLetterDeps, caller: Caller, id: string): Promise<DeadLetterView> {
  const letter = await deps.deadLetters.readDeadLetter(id, findOwner(caller));
  if (letter === null) throw new ScoringError("not_found", `there is no dead letter ${id.slice(0, 128)}`);
  const nowMs = deps.clock();
  await deps.queue.send([{ message: letter.message, delaySeconds: 0 }]);
  await deps.deadLetters.markDeadLetterSent(letter.id, nowMs);
  return viewDeadLetter({ ...letter, sentMs: nowMs });
}
