// Scores pictures in this process and prints one line per face: node score.js a.jpg b.jpg
import { aggregate, createScorer } from "countenance";

const scorer = await createScorer({ faces: "largest" });
const records = [];
for await (const record of scorer.scoreAll(process.argv.slice(2))) {
  records.push(record);
  console.log(record.key, record.status, record.label ?? "-", record.margin?.toFixed(2) ?? "");
}
const { total } = await aggregate(records);
for (const { label, count } of total.labels) if (count > 0) console.log(`${label}: ${count}`);
