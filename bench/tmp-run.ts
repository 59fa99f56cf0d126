import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { runLocalJob } from "../cli/score/local-job.ts";
const [kind, threads] = [process.argv[2]!, Number(process.argv[3])];
const dir = join("/tmp/scale-in", kind);
const manifest = JSON.parse(await readFile(join(dir, "manifest.json"), "utf8"));
delete manifest.kind;
const out = join("/tmp/scale-out-" + process.pid);
const t0 = performance.now(); const c0 = process.cpuUsage();
let planned = 0, scored = 0, first = 0;
const cpuMs = () => { const c = process.cpuUsage(c0); return Math.round((c.user + c.system) / 1000); };
let cp = 0, cs = 0, cf = 0;
await runLocalJob({ inputFolder: join(dir, "in"), outputFolder: out, engine: "fused", threads,
  manifest: { ...manifest, input: { ...manifest.input, store: "input" }, output: { store: "output", prefix: "", ...(process.argv[4] ? {formats: process.argv[4].split(",")} : {}) } },
  progressed: ({ counts }) => {
    if (counts.finished > 0 && first === 0) { first = performance.now(); cf = cpuMs(); }
    if (counts.planned && planned === 0) { planned = performance.now(); cp = cpuMs(); }
    if (counts.finished === counts.listed && counts.planned && scored === 0) { scored = performance.now(); cs = cpuMs(); }
  } });
const end = performance.now();
const ms = (x: number) => Math.round(x - t0);
console.log(kind, threads, "wall first/planned/scored/end", ms(first), ms(planned), ms(scored), ms(end), "cpu first/planned/scored/end", cf, cp, cs, cpuMs());
await rm(out, { recursive: true });
