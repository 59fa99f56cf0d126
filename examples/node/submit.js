// Uploads pictures to a server, follows the job, reads its labels: node submit.js a.jpg b.jpg
// The server: COUNTENANCE_URL (default: `countenance serve` on this machine). The key: COUNTENANCE_KEY.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { createApi, readLabels } from "countenance/client";

const api = createApi({
  baseUrl: process.env.COUNTENANCE_URL ?? "http://127.0.0.1:8787",
  key: process.env.COUNTENANCE_KEY,
});
const prefix = `examples/${Date.now()}/`;
for (const path of process.argv.slice(2)) {
  await api.upload("faces", prefix + basename(path), await readFile(path));
}
const { id } = await api.submitJob({
  input: { store: "faces", prefix },
  output: { store: "faces", prefix: "out/" },
  faces: "largest",
});
for await (const { job } of api.followJob(id, new AbortController().signal)) {
  console.error(job.status, `${job.counts.finished}/${job.counts.listed}`);
}
for await (const { key, label } of readLabels(api, id)) console.log(key, label);
