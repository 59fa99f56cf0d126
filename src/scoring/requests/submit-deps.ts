/** The ports of accepting a job, or of a dry run. */

import type { ModelCard } from "../../model/card.ts";
import type { Registry } from "../../model/registry.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { JobCoordinator } from "../job/coordinator-port.ts";
import type { Directory } from "../job/job-directory.ts";
import type { Limits } from "../limits.ts";
import type { ResolveName } from "../webhook/webhook-names.ts";

/** The ports of accepting a job. */
export interface SubmitDeps {
  openStore(name: string): ObjectStore;
  openJob(jobId: string): JobCoordinator;
  /** Names of the configured stores. */
  readonly storeNames: readonly string[];
  readonly registry: Registry;
  /** Refuses a model that cannot run here, by its card; absent: whatever there is runs. @throws ScoringError `validation_failed` */
  readonly checkModel?: ((card: ModelCard) => void) | undefined;
  readonly directory: Directory;
  /** Private `host:port` pairs that webhooks may reach; `null` where none can be signed. */
  readonly webhookHosts: readonly string[] | null;
  /** Looks up the names of webhooks; absent: they are not looked up. */
  readonly resolveName?: ResolveName;
  /** Who is responsible for what is scored; `null` or absent where nobody is named. */
  readonly controller?: string | null;
  readonly clock: () => number;
  readonly newId: () => string;
  readonly limits: Limits;
}
