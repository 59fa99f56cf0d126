/**
 * Every kind of network on our engine and three others, in turn, in one run on one core: the table of docs/graph-engine.md.
 *
 *     cd bench && npm ci && node graphs.ts [--seconds 20]
 */

import { parseArgs } from "node:util";
import { listFolderModels } from "../src/backends/models-node.ts";
import { createRegistry } from "../src/model/registry.ts";
import { GRAPH_ENGINES, type GraphContestant, openClassifier, openEmotion, openFinder } from "./graph-contestants.ts";
import { describeMachine, repeatPinned } from "./machine.ts";
import { renderTable } from "./tables.ts";
import { compareRounds, quantile, readCpuClock, runRounds } from "./timing.ts";

const BATCH = 32;

const status = repeatPinned();
if (status !== null) process.exit(status);
const { values } = parseArgs({ options: { seconds: { type: "string", default: "20" } } });
const registry = createRegistry(await listFolderModels());
const openModel = (id: string) => async () => openClassifier(await registry.load(id), BATCH);
const graphs: readonly { readonly title: string; readonly open: () => Promise<GraphContestant[]> }[] = [
  { title: "deep-emotion@4, 32 faces per call", open: openModel("deep-emotion@4") },
  { title: "deep-emotion-wide@2, 32 faces per call", open: openModel("deep-emotion-wide@2") },
  { title: "plain-net@2, 32 faces per call", open: openModel("plain-net@2") },
  { title: "emotion of @vladmandic/human, 32 faces per call", open: () => openEmotion(BATCH) },
  { title: "blazeface@1, one picture of 288²", open: () => openFinder(288) },
  { title: "blazeface@1, one picture of 544²", open: () => openFinder(544) },
];

const machine = describeMachine();
const rows: string[][] = [];
for (const { title, open } of graphs) {
  const contestants = (await open()).map(({ name, call }) => ({
    name,
    time: async () => {
      const start = readCpuClock();
      await call();
      return readCpuClock() - start;
    },
  }));
  const rounds = await runRounds(contestants, { seconds: Number(values.seconds), least: 9, warmUp: 3 });
  const ours = rounds.get("countenance")!;
  const ms = [0.1, 0.5, 0.9].map((share) => quantile(ours, share).toFixed(1));
  const others = GRAPH_ENGINES.slice(1).map((name) => compareRounds(rounds, "countenance", name).toFixed(2));
  rows.push([title, String(ours.length), `${ms[1]} (${ms[0]}–${ms[2]})`, ...others]);
}
console.log(
  `${machine.cpu}, ${machine.node}, commit ${machine.commit}, pinned to core ${machine.pinnedTo}, load ${machine.load.toFixed(1)}\n`,
);
console.log(
  renderTable(
    ["network", "rounds", "CPU-ms per call (10–90 %)", ...GRAPH_ENGINES.slice(1).map((name) => `× ${name}`)],
    rows,
  ),
);
