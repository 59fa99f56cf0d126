/** A job of many synthetic faces in one object, and what of its report two runs must share. */

const SIDE = 48;

/** Rows as FER2013 has them, of synthetic gray: a wave whose slope, phase and level follow from the row's number. */
export function makeFaceTable(faces: number): Uint8Array<ArrayBuffer> {
  const lines = ["emotion,pixels,Usage"];
  for (let row = 0; row < faces; row++) {
    const pixels = Array.from({ length: SIDE * SIDE }, (_, at) => {
      const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
      const wave = 60 * Math.sin((x * (1 + (row % 7)) + y * (1 + (row % 5))) / 24 + row);
      return Math.max(0, Math.min(255, Math.round(128 + wave + ((row % 41) - 20) * 2)));
    });
    lines.push(`${row % 7},${pixels.join(" ")},Training`);
  }
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** A report as text, without what names or dates a job. */
export function stripReport(report: unknown, jobId: string): string {
  const own = JSON.stringify(report).replaceAll(jobId, "job");
  // The engine's name may differ, nothing else.
  return own.replaceAll(/"engine":"[^"]*"/g, '"engine":""').replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"time"');
}
