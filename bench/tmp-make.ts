import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeJobInputs } from "./job-inputs.ts";
import { listPortraits, readFaces } from "./portraits.ts";
const portraits = await listPortraits();
const inputs = await makeJobInputs(await readFaces(portraits, 64), 20000);
for (const input of inputs) {
  const dir = join("/tmp/scale-in", input.kind.split(" ").slice(0,2).join("-"));
  for (const [key, bytes] of input.objects) { const p = join(dir, "in", key); await mkdir(dirname(p), {recursive:true}); await writeFile(p, bytes); }
  await writeFile(join(dir, "manifest.json"), JSON.stringify({...input.manifest, kind: input.kind}));
}
