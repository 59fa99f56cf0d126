// Scores the pictures that a person chooses, in the page: npx vite
import { aggregate, createScorer } from "countenance";

const pictures = document.querySelector("#pictures");
const labels = document.querySelector("#labels");
const status = document.querySelector("#status");

// Started with the first pictures, so that a visitor who brings none loads no weights.
let scorer = null;

pictures.addEventListener("change", () => void score(pictures.files));

async function score(files) {
  labels.replaceChildren();
  status.textContent = "Scoring …";
  try {
    scorer ??= await createScorer({ faces: "largest" });
    const records = [];
    for await (const record of scorer.scoreAll(files)) {
      records.push(record);
      const item = document.createElement("li");
      item.textContent = `${record.key}: ${record.label ?? record.status}`;
      labels.append(item);
    }
    const { total } = await aggregate(records);
    const counts = total.labels.filter(({ count }) => count > 0).map(({ label, count }) => `${count} ${label}`);
    status.textContent = counts.length === 0 ? "No face was found" : counts.join(", ");
  } catch (error) {
    status.textContent = error.message;
  }
}
