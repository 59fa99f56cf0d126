/** What is asked of the coordinator of an open job. */

import { LIMITS } from "../limits.ts";
import type { ArrivedInput } from "../manifest/input-spec.ts";
import { applyEvent, type CoordinatorDeps } from "./apply-event.ts";
import type { JobCoordinator } from "./coordinator-port.ts";
import { type AddedInputs, findRefusal, nameArrival } from "./open-input.ts";
import type { OpenProgress } from "./open-progress.ts";

/** Taking inputs in, and the seal. */
export function openCalls(deps: CoordinatorDeps): Pick<JobCoordinator, "addInputs" | "seal"> {
  const { rows, limits = LIMITS } = deps;
  return {
    async addInputs(inputs: readonly ArrivedInput[]): Promise<AddedInputs | null> {
      let answer: AddedInputs | null = null;
      const byName = new Map<string, ArrivedInput>();
      for (const input of inputs) {
        const name = nameArrival(input);
        // What comes twice in one request counts where it came first.
        if (!byName.has(name)) byName.set(name, input);
      }
      const names = [...byName.keys()];
      await applyEvent(deps, (state) => {
        const { open } = state;
        const reason = findRefusal(state);
        if (open === undefined || (reason !== null && reason !== "sealed")) {
          answer = { kind: "refused", reason: reason ?? "not_open" };
          return null;
        }
        const fresh = rows.listUnknownArrivals(names);
        const added = fresh.length;
        const known = inputs.length - added;
        // A request that is sent again after the seal has nothing new.
        answer = { kind: "added", added, known, received: open.received + added };
        if (added === 0) return null;
        if (reason !== null || open.received + added > limits.open.maxInputs) {
          answer = { kind: "refused", reason: reason ?? "full" };
          return null;
        }
        const arrived = fresh.flatMap((name) => byName.get(name) ?? []);
        rows.addArrivals(open.received, arrived, fresh);
        return { kind: "receive", count: added };
      });
      return answer;
    },
    async seal() {
      if ((await applyEvent(deps, () => ({ kind: "seal" }))) !== null) return true;
      return (rows.readState()?.open?.sealedMs ?? null) !== null;
    },
  };
}

/** Of an open job, where the batch ends that a planning step would begin. */
export function findBatch(
  { rows, limits = LIMITS }: CoordinatorDeps,
  open: OpenProgress | undefined,
): { readonly batchEnd?: number } {
  if (open === undefined || open.batchEnd > open.planned) return {};
  return { batchEnd: rows.findBatchEnd(open.planned, limits.open.batchInputs, limits.open.batchBytes) };
}
