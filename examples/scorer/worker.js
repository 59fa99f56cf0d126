// A Worker that scores what it is sent and keeps nothing. wrangler.toml beside it says how weights and wasm are bundled.
//   curl --data-binary @photo.jpg http://127.0.0.1:8787/                         one picture: its records
//   curl -F pictures=@a.jpg -F pictures=@b.jpg http://127.0.0.1:8787/report      several: their report as a page
import { aggregate, createScorer, renderReport } from "countenance";

// Opened once per isolate, by the first picture. After a failure the next picture tries again.
let opened = null;

function openScorer() {
  opened ??= createScorer({ faces: "largest" }).catch((error) => {
    opened = null;
    throw error;
  });
  return opened;
}

export default {
  async fetch(request) {
    if (request.method !== "POST") return new Response("POST a picture\n", { status: 405, headers: { allow: "POST" } });
    const scorer = await openScorer();
    if (new URL(request.url).pathname !== "/report") return Response.json(await scorer.score(request));
    const pictures = (await request.formData()).getAll("pictures").filter((part) => part instanceof File);
    if (pictures.length === 0) return new Response("no file in the field pictures\n", { status: 400 });
    const report = await aggregate(scorer.scoreAll(pictures), { name: "pictures of a form" });
    return new Response(renderReport(report), { headers: { "content-type": "text/html; charset=utf-8" } });
  },
};
