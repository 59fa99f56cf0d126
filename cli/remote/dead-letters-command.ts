import { defineCommand } from "citty";
import { createDeadLettersApi } from "../../src/client/dead-letters-api.ts";
import { ScoringError } from "../../src/errors.ts";
import type { DeadLetterView } from "../../src/scoring/job/dead-letter.ts";
import { LIMITS } from "../../src/scoring/limits.ts";
import { connect, CONNECTION_ARGS, print, printJson } from "./connection.ts";

const list = defineCommand({
  meta: { name: "list", description: "Messages that the queue gave up on, newest first" },
  args: CONNECTION_ARGS,
  async run({ args }) {
    const page = await createDeadLettersApi(connect(args)).list(LIMITS.maxDeadLetters);
    if (args.json) return printJson(page);
    for (const letter of page.deadLetters) print(describeLetter(letter));
    if (page.total === 0) process.stderr.write("no dead letters: the queue gave up on nothing\n");
  },
});

const send = defineCommand({
  meta: { name: "send", description: "Send one again, or with --all every one that was not sent yet" },
  args: {
    id: { type: "positional", description: "Id of the dead letter", required: false },
    all: { type: "boolean", description: "All that were not sent since they died" },
    ...CONNECTION_ARGS,
  },
  async run({ args }) {
    const { id, all = false } = args;
    if ((id === undefined) === !all) {
      throw new ScoringError("validation_failed", "dead-letters send takes the id of a dead letter, or --all");
    }
    const api = createDeadLettersApi(connect(args));
    const ids = id === undefined ? await listDead(api) : [id];
    const sent: DeadLetterView[] = [];
    for (const one of ids) sent.push(await api.send(one));
    if (args.json) printJson(sent);
    else for (const letter of sent) print(describeLetter(letter));
  },
});

async function listDead(api: ReturnType<typeof createDeadLettersApi>): Promise<readonly string[]> {
  const { deadLetters } = await api.list(LIMITS.maxDeadLetters);
  return deadLetters.filter(({ status }) => status === "dead").map(({ id }) => id);
}

function describeLetter({ id, work, part, status, deaths, lastAt, sentAt }: DeadLetterView): string {
  const times = deaths === 1 ? "died once" : `died ${deaths} times`;
  const end = status === "sent" ? `sent again ${sentAt}` : `last ${lastAt}`;
  return `${id}  ${`${work} ${part}`.padEnd(18)}  ${times}, ${end}`;
}

/** `countenance dead-letters`. */
export const deadLettersCommand = defineCommand({
  meta: { name: "dead-letters", description: "Messages that the queue gave up on: list them, send them again" },
  subCommands: { list, send },
});
