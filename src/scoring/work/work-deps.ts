import type { ScoringError } from "../../errors.ts";
import type { ModelCard } from "../../model/card.ts";
import { addOperations, type MeteredStore, NO_OPERATIONS, type StoreOperations } from "../../storage/metered-store.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import { nameStore } from "../../storage/named-store.ts";
import { guardStore } from "../access/guarded-store.ts";
import type { LendScorer } from "../chunk/scorer.ts";
import type { Eraser } from "../erase/eraser-port.ts";
import type { FinalizeDeps } from "../finalize/finalize-deps.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { Directory } from "../job/job-directory.ts";
import type { JobSpec } from "../job/job-spec.ts";
import type { WorkMessage } from "../job/messages.ts";
import type { Trace } from "./spans.ts";
import type { Limits } from "../limits.ts";

/** The ports that a consumer works with. */
export interface WorkDeps extends Pick<FinalizeDeps, "formatting" | "openHash"> {
  /** The coordinator of a job. */
  openJob(jobId: string): JobCoordinator;
  /** The eraser of a job. Absent where nothing can be erased: a run on one machine. */
  openEraser?(jobId: string): Eraser;
  /** See Directory.chargeImages. Absent where there are no quotas. */
  readonly chargeImages?: Directory["chargeImages"];
  /** @throws ScoringError `unknown_store` */
  openStore(name: string): ObjectStore;
  /**
   * Runs `body` alone: engines are not safe for overlapping calls, and a chunk must not wait for its turn while its
   * lease runs. `open` gives the scorer of a job.
   */
  readonly withScorer: LendScorer;
  /** @throws ScoringError `unknown_model` */
  readCard(model: string): Promise<ModelCard>;
  readonly limits: Limits;
  /** How many scorers a small job is spread over. Absent: its chunks are as large as the job allows. */
  readonly scorers?: number;
  /**
   * Sends one message, signed with the secret of the job's key; absent where no secret is configured.
   * @param keyId `null`: the job has no key, and the deployment's secret signs
   * @throws ScoringError `webhook_failed`, `address_forbidden`
   */
  sendWebhook?(url: string, id: string, payload: string, keyId: string | null): Promise<void>;
  /** Calls `beat` now and then until what it gave is called: the consumer is alive. Absent where no lease runs out. */
  readonly startHeart?: (beat: () => Promise<unknown>) => () => void;
  /** Starts the time of one chunk; the answer says whether it is over. Absent: it never is. */
  readonly startTime?: () => () => boolean;
  /** Lets whoever else waits in this isolate have a turn, from time to time. @param cost of what was computed, see FindOptions; 1 by default */
  readonly breathe?: (cost?: number) => Promise<void>;
  /** Notes where the time goes. Absent: nobody wants to know. */
  readonly trace?: Trace;
  /** Called with every failure that was handled, for the log. */
  readonly failed?: (message: WorkMessage, error: ScoringError) => void;
}

/** What all stores were asked for, in sum. */
export function sumOperations(stores: readonly MeteredStore[]): StoreOperations {
  return stores.reduce((sum, store) => addOperations(sum, store.operations()), NO_OPERATIONS);
}

/** The stores as the job's owner may use them, whatever key a listed manifest or a frozen page names; their failures carry their names. */
export function limitAccess(deps: WorkDeps, spec: JobSpec): WorkDeps {
  const grants = spec.owner?.grants ?? null;
  return { ...deps, openStore: (name) => guardStore(nameStore(deps.openStore(name), name), name, grants) };
}
