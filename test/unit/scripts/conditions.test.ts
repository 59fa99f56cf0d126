import { describe, expect, it } from "vitest";
import { applyCondition, CONDITIONS } from "../../../scripts/evaluation/conditions.ts";
import { roundTripJpeg, scaleTable } from "../../../scripts/evaluation/jpeg-loss.ts";
import { FACE_PIXELS, FACE_SIZE } from "../../../src/model/labels.ts";
import { JPEG_QUALITY_50 } from "../../golden/jpeg-quality-50.ts";
import { drawNoise } from "../../golden/network.ts";

const pattern = Uint8Array.from({ length: FACE_PIXELS }, (_, at) => {
  const x = at % FACE_SIZE;
  const y = Math.floor(at / FACE_SIZE);
  return (5 * x + 3 * y + 4 * ((x * y) % 17)) % 256;
});
const find = (name: string) => CONDITIONS.find((condition) => condition.name === name) ?? CONDITIONS[0]!;
const mean = (pixels: Uint8Array): number => pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
const meanChange = (a: Uint8Array, b: Uint8Array): number =>
  a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;

describe("JPEG's loss", () => {
  it("is Pillow's, apart from where rounding falls", () => {
    const pillow = Uint8Array.from(Buffer.from(JPEG_QUALITY_50, "base64"));
    expect(meanChange(roundTripJpeg(pattern, FACE_SIZE, 50), pillow)).toBeLessThan(1.5);
    // What is compared changes the picture far more than that.
    expect(meanChange(pattern, pillow)).toBeGreaterThan(8);
  });

  it("is nearly nothing at quality 100, and grows as quality falls", () => {
    const losses = [100, 90, 70, 50, 30].map((quality) =>
      meanChange(roundTripJpeg(pattern, FACE_SIZE, quality), pattern),
    );
    expect(losses).toEqual([...losses].sort((a, b) => a - b));
    expect(losses[0]).toBeLessThan(0.6);
    expect(scaleTable(100).every((step) => step === 1)).toBe(true);
  });
});

describe("conditions", () => {
  const faces = drawNoise(7, 3);

  it("leave the faces as they are in the first row, and change them in every other", () => {
    for (const condition of CONDITIONS) {
      const changed = applyCondition(condition, faces, 1);
      expect(changed.length, `under ${condition.name}`).toBe(faces.length);
      expect(meanChange(changed, faces) === 0, `under ${condition.name}`).toBe(condition.name === "as it is");
    }
    expect(CONDITIONS[0]?.name).toBe("as it is");
    expect(new Set(CONDITIONS.map(({ name }) => name)).size).toBe(CONDITIONS.length);
  });

  it("come out the same for the same seed, and not for another", () => {
    const noisy = find("noise, σ 16 of 255");
    expect(applyCondition(noisy, faces, 4)).toEqual(applyCondition(noisy, faces, 4));
    expect(applyCondition(noisy, faces, 4)).not.toEqual(applyCondition(noisy, faces, 5));
  });

  it("do what their names say", () => {
    const gray = new Uint8Array(FACE_PIXELS).fill(100);
    expect(mean(applyCondition(find("50 % of the light"), gray, 1))).toBeCloseTo(50, 0);
    const noise = applyCondition(find("noise, σ 16 of 255"), gray, 1);
    const spread = Math.sqrt(noise.reduce((sum, value) => sum + (value - mean(noise)) ** 2, 0) / noise.length);
    expect(spread).toBeGreaterThan(15);
    expect(spread).toBeLessThan(17);
    for (const name of ["blur, σ 2 px of 48", "face of 16 pixels", "turned 30° to either side"]) {
      expect(applyCondition(find(name), gray, 1), `under ${name}`).toEqual(gray);
    }
    // A bright square 17.5 pixels left of the center, turned by 30 degrees, lies 8.75 rows above or below it.
    const dot = new Uint8Array(FACE_PIXELS);
    for (let y = 22; y < 26; y++) for (let x = 4; x < 8; x++) dot[y * FACE_SIZE + x] = 255;
    const turned = applyCondition(find("turned 30° to either side"), dot, 1);
    const row =
      turned.reduce((sum, value, at) => sum + value * Math.floor(at / FACE_SIZE), 0) /
      Math.max(
        1,
        turned.reduce((sum, value) => sum + value, 0),
      );
    expect(Math.abs(row - 23.5)).toBeGreaterThan(7);
    expect(Math.abs(row - 23.5)).toBeLessThan(11);
  });
});
