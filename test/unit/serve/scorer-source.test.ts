import { expect, it } from "vitest";
import { ENGINES } from "../../../src/backends/engine-table.ts";
import { listFolderModels } from "../../../src/backends/models-node.ts";
import { FAMILIES } from "../../../src/model/card.ts";
import { createRegistry } from "../../../src/model/registry.ts";
import { createScorerSource } from "../../../src/serve/scorer-source.ts";
import { createRandom } from "../../golden/network.ts";

const registry = createRegistry(await listFolderModels());
const cards = await Promise.all(registry.list().map((id) => registry.card(id)));
const open = createScorerSource(registry);

const COUNT = 3;
const random = createRandom(7);
const pixels = Uint8Array.from({ length: COUNT * 48 * 48 }, () => Math.floor(random() * 256));

it.each(FAMILIES)(
  "%s is computed by a server of one's own on each engine, to the same probabilities",
  async (family) => {
    const card = cards.find((one) => one.family === family)!;
    const model = `${card.name}@${card.version}`;
    const all = await Promise.all(
      ENGINES.map(async (engine) => {
        const { classifier } = await open(engine, { model, tta: "none", findsFaces: false });
        return Array.from((await classifier.classify(pixels, COUNT)).logits);
      }),
    );
    const [first = [], ...others] = all;
    expect(first).toHaveLength(COUNT * 7);
    for (const logits of others) logits.forEach((logit, i) => expect(logit).toBeCloseTo(first[i]!, 3));
  },
);
