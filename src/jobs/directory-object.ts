/** The Durable Object that lists all jobs. One for the whole deployment: it is asked once per status change, not once per chunk. */

import { DurableObject } from "cloudflare:workers";
import { createDirectoryRows, type WholeDirectory } from "./directory-rows.ts";

/** The arguments and the result of one call to the directory. */
type Args<K extends keyof WholeDirectory> = Parameters<WholeDirectory[K]>;
type Answer<K extends keyof WholeDirectory> = ReturnType<WholeDirectory[K]>;

/** The directory's Durable Object: one for all jobs. */
export class DirectoryBase extends DurableObject implements WholeDirectory {
  readonly #rows: WholeDirectory;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    this.#rows = createDirectoryRows(ctx.storage.sql);
  }

  // Calls over RPC reach methods of the class only, so each is spelled out.
  reserve(...args: Args<"reserve">): Answer<"reserve"> {
    return this.#rows.reserve(...args);
  }
  confirm(...args: Args<"confirm">): Answer<"confirm"> {
    return this.#rows.confirm(...args);
  }
  withdraw(...args: Args<"withdraw">): Answer<"withdraw"> {
    return this.#rows.withdraw(...args);
  }
  release(...args: Args<"release">): Answer<"release"> {
    return this.#rows.release(...args);
  }
  chargeImages(...args: Args<"chargeImages">): Answer<"chargeImages"> {
    return this.#rows.chargeImages(...args);
  }
  charge(...args: Args<"charge">): Answer<"charge"> {
    return this.#rows.charge(...args);
  }
  rank(...args: Args<"rank">): Answer<"rank"> {
    return this.#rows.rank(...args);
  }
  writeKey(...args: Args<"writeKey">): Answer<"writeKey"> {
    return this.#rows.writeKey(...args);
  }
  readKey(...args: Args<"readKey">): Answer<"readKey"> {
    return this.#rows.readKey(...args);
  }
  listKeys(...args: Args<"listKeys">): Answer<"listKeys"> {
    return this.#rows.listKeys(...args);
  }
  removeKey(...args: Args<"removeKey">): Answer<"removeKey"> {
    return this.#rows.removeKey(...args);
  }
  endSession(...args: Args<"endSession">): Answer<"endSession"> {
    return this.#rows.endSession(...args);
  }
  isSessionEnded(...args: Args<"isSessionEnded">): Answer<"isSessionEnded"> {
    return this.#rows.isSessionEnded(...args);
  }
  update(...args: Args<"update">): Answer<"update"> {
    return this.#rows.update(...args);
  }
  list(...args: Args<"list">): Answer<"list"> {
    return this.#rows.list(...args);
  }
  remove(...args: Args<"remove">): Answer<"remove"> {
    return this.#rows.remove(...args);
  }
  takeOpenJob(...args: Args<"takeOpenJob">): Answer<"takeOpenJob"> {
    return this.#rows.takeOpenJob(...args);
  }
  takeRetainedJob(...args: Args<"takeRetainedJob">): Answer<"takeRetainedJob"> {
    return this.#rows.takeRetainedJob(...args);
  }
  readTotals(...args: Args<"readTotals">): Answer<"readTotals"> {
    return this.#rows.readTotals(...args);
  }
  noteDeadLetter(...args: Args<"noteDeadLetter">): Answer<"noteDeadLetter"> {
    return this.#rows.noteDeadLetter(...args);
  }
  listDeadLetters(...args: Args<"listDeadLetters">): Answer<"listDeadLetters"> {
    return this.#rows.listDeadLetters(...args);
  }
  readDeadLetter(...args: Args<"readDeadLetter">): Answer<"readDeadLetter"> {
    return this.#rows.readDeadLetter(...args);
  }
  markDeadLetterSent(...args: Args<"markDeadLetterSent">): Answer<"markDeadLetterSent"> {
    return this.#rows.markDeadLetterSent(...args);
  }
  addSchedule(...args: Args<"addSchedule">): Answer<"addSchedule"> {
    return this.#rows.addSchedule(...args);
  }
  replaceSchedule(...args: Args<"replaceSchedule">): Answer<"replaceSchedule"> {
    return this.#rows.replaceSchedule(...args);
  }
  readSchedule(...args: Args<"readSchedule">): Answer<"readSchedule"> {
    return this.#rows.readSchedule(...args);
  }
  listFeeds(...args: Args<"listFeeds">): Answer<"listFeeds"> {
    return this.#rows.listFeeds(...args);
  }
  listSchedules(...args: Args<"listSchedules">): Answer<"listSchedules"> {
    return this.#rows.listSchedules(...args);
  }
  takeDueSchedule(...args: Args<"takeDueSchedule">): Answer<"takeDueSchedule"> {
    return this.#rows.takeDueSchedule(...args);
  }
  settleSchedule(...args: Args<"settleSchedule">): Answer<"settleSchedule"> {
    return this.#rows.settleSchedule(...args);
  }
  removeSchedule(...args: Args<"removeSchedule">): Answer<"removeSchedule"> {
    return this.#rows.removeSchedule(...args);
  }
  writeScheduleRun(...args: Args<"writeScheduleRun">): Answer<"writeScheduleRun"> {
    return this.#rows.writeScheduleRun(...args);
  }
  listScheduleRuns(...args: Args<"listScheduleRuns">): Answer<"listScheduleRuns"> {
    return this.#rows.listScheduleRuns(...args);
  }
  wantScheduleLook(...args: Args<"wantScheduleLook">): Answer<"wantScheduleLook"> {
    return this.#rows.wantScheduleLook(...args);
  }
  takeScheduleLook(...args: Args<"takeScheduleLook">): Answer<"takeScheduleLook"> {
    return this.#rows.takeScheduleLook(...args);
  }
  writeScheduleLook(...args: Args<"writeScheduleLook">): Answer<"writeScheduleLook"> {
    return this.#rows.writeScheduleLook(...args);
  }
  readScheduleLook(...args: Args<"readScheduleLook">): Answer<"readScheduleLook"> {
    return this.#rows.readScheduleLook(...args);
  }
}
