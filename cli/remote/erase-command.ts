import { setTimeout } from "node:timers/promises";
import { defineCommand } from "citty";
import type { Api, EraseRequestView } from "../../src/client/api.ts";
import type { JobView } from "../../src/scoring/job/job-view.ts";
import { EXIT_CODES } from "../exit-codes.ts";
import { showText } from "../terminal-text.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";

const POLL_MS = 500;

/** What became of one job that holds the image or may hold it. */
interface Erased {
  readonly id: string;
  readonly state: "done" | "running" | "failed" | "unfinished" | "full";
  /** Inputs that were removed from the job so far, by this and earlier erasures. */
  readonly inputs: number;
  readonly message: string | null;
}

const ADVICE: Readonly<Record<Erased["state"], string>> = {
  done: "",
  running: "being rewritten",
  failed: "could not be rewritten",
  unfinished: "has not ended: erase again when it has, or cancel it first",
  full: "has too many images to erase: erase again in a while",
};

/** `countenance erase`: every finished job of the key without one image. */
export const eraseCommand = defineCommand({
  meta: {
    name: "erase",
    description: "Erase an image from the outputs of all finished jobs of this key (with an admin key, of all keys)",
  },
  args: {
    store: { type: "positional", description: "Store that holds the image", required: true },
    object: { type: "positional", description: "The image's key in that store", required: true },
    id: { type: "string", description: "Only this input: one member of a shard, or one row of a table" },
    wait: {
      type: "boolean",
      description: "Wait until all of them are rewritten (--no-wait: only request it)",
      default: true,
    },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const api = connect(args);
    const { store, object, id } = args;
    const asked = await api.eraseRecords({ store, key: object, ...(id === undefined ? {} : { id }) });
    const erased: Erased[] = [];
    for (const job of asked) erased.push(await settle(api, job, args.wait ? POLL_MS : null));
    if (args.json) printJson(erased);
    else {
      for (const job of erased) print(describeErased(job));
      if (erased.length === 0) process.stderr.write("no job of this key can hold the image\n");
    }
    if (erased.some(({ state }) => state === "failed")) process.exitCode = EXIT_CODES.failed;
    else if (erased.some(({ state }) => state === "unfinished" || state === "full")) {
      process.exitCode = EXIT_CODES.unavailable;
    }
  },
});

async function settle(api: Api, { id, answer }: EraseRequestView, pollMs: number | null): Promise<Erased> {
  if (answer !== "erasing") return { id, state: answer, inputs: 0, message: null };
  let job: JobView = await api.readJob(id);
  if (pollMs !== null) {
    while (job.erasure?.status === "running") {
      await setTimeout(pollMs);
      job = await api.readJob(id);
    }
  }
  const { status = "done", inputs = 0, failure = null } = job.erasure ?? {};
  return { id, state: status, inputs, message: failure?.message ?? null };
}

function describeErased({ id, state, inputs, message }: Erased): string {
  const advice = ADVICE[state] === "" ? `${inputs} inputs erased so far` : ADVICE[state];
  return `${id}  ${state.padEnd(10)}  ${advice}${message === null ? "" : `: ${showText(message)}`}`;
}
