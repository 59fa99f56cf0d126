/** Faces for a first job, drawn by a few strokes: no picture of a person is needed, and none comes with the console. */

const SIDE = 96;

/** Mouth and brows of one face. */
interface Mood {
  readonly name: string;
  /** How far the corners of the mouth go up, in pixels; open mouths have a height. */
  readonly smile: number;
  readonly open: number;
  /** Inner ends of the brows: above 0 raised, below 0 lowered. */
  readonly brows: number;
}

const MOODS: readonly Mood[] = [
  { name: "smile", smile: 12, open: 4, brows: 0 },
  { name: "plain", smile: 0, open: 0, brows: 0 },
  { name: "frown", smile: -9, open: 0, brows: 3 },
  { name: "gape", smile: 0, open: 12, brows: 6 },
  { name: "scowl", smile: -6, open: 0, brows: -6 },
];

/** Drawn faces as PNG files; tones of skin and background vary, so that no two are the same. */
export async function drawDemoPictures(): Promise<readonly { readonly name: string; readonly blob: Blob }[]> {
  const pictures: { name: string; blob: Blob }[] = [];
  for (const mood of MOODS) {
    for (const tone of [0.35, 0.55, 0.75, 0.9]) {
      const canvas = new OffscreenCanvas(SIDE, SIDE);
      const context = canvas.getContext("2d");
      if (context === null) throw new Error("this browser draws no canvas");
      drawFace(context, mood, tone);
      const blob = await canvas.convertToBlob({ type: "image/png" });
      pictures.push({ name: `${mood.name}-${Math.round(100 * tone)}.png`, blob });
    }
  }
  return pictures;
}

const gray = (share: number): string => `hsl(25 25% ${Math.round(100 * share)}%)`;

function drawFace(context: OffscreenCanvasRenderingContext2D, mood: Mood, tone: number): void {
  context.fillStyle = gray(1 - tone * 0.6);
  context.fillRect(0, 0, SIDE, SIDE);
  context.fillStyle = gray(tone * 0.9);
  context.beginPath();
  context.ellipse(48, 50, 33, 42, 0, 0, 2 * Math.PI);
  context.fill();
  context.strokeStyle = context.fillStyle = gray(tone > 0.5 ? 0.12 : 0.02);
  context.lineWidth = 3;
  for (const side of [-1, 1]) {
    context.beginPath();
    context.ellipse(48 + 14 * side, 42, 4.5, 3 + Math.max(0, mood.brows) / 3, 0, 0, 2 * Math.PI);
    context.fill();
    context.beginPath();
    context.moveTo(48 + 22 * side, 32);
    context.lineTo(48 + 7 * side, 32 - mood.brows);
    context.stroke();
  }
  context.beginPath();
  context.moveTo(48, 46);
  context.lineTo(45, 58);
  context.lineTo(50, 58);
  context.stroke();
  context.beginPath();
  context.moveTo(34, 70 - mood.smile / 2);
  context.quadraticCurveTo(48, 70 + mood.smile, 62, 70 - mood.smile / 2);
  if (mood.open > 0) context.quadraticCurveTo(48, 70 + mood.smile + 2 * mood.open, 34, 70 - mood.smile / 2);
  context.stroke();
  if (mood.open > 0) context.fill();
}
