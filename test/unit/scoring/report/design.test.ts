import { describe, expect, it } from "vitest";
import { LABELS } from "../../../../src/model/labels.ts";
import { COLOR_ROLES, DESIGN_TOKENS, hueOf, LABEL_HUES } from "../../../../src/scoring/report/design-tokens.ts";

/** The design's colors, as eyes of several kinds see them. */

type Rgb = readonly [number, number, number];
type Scheme = "light" | "dark";

/** Linear light of `#rrggbb`. */
function readLinear(hex: string): Rgb {
  const channel = (at: number): number => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

/** WCAG 2.2, "contrast ratio". */
function contrast(a: string, b: string): number {
  const [light, dark] = [a, b]
    .map((hex) => {
      const [red, green, blue] = readLinear(hex);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    })
    .toSorted((x, y) => y - x);
  return (light! + 0.05) / (dark! + 0.05);
}

const multiply = (matrix: readonly Rgb[], [a, b, c]: Rgb): Rgb =>
  matrix.map(([x, y, z]) => x * a + y * b + z * c) as unknown as Rgb;

/** Machado, Oliveira and Fernandes (2009), severity 1, on linear light. */
const EYES: Readonly<Record<string, readonly Rgb[]>> = {
  "all cones": [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  "no L cones": [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  "no M cones": [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  "no S cones": [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

/** Oklab (Ottosson, 2020): distances are about as large as they look. */
function toOklab(linear: Rgb): Rgb {
  const cones = multiply(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    linear,
  ).map((value) => Math.cbrt(Math.max(0, value))) as unknown as Rgb;
  return multiply(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  );
}

describe.each(["light", "dark"] as const)("colors of the %s scheme", (scheme: Scheme) => {
  const role = (name: keyof typeof COLOR_ROLES): string => COLOR_ROLES[name][scheme];

  it("keep text readable on every ground that it stands on", () => {
    const pairs = [
      ...(["page", "card", "track", "soft"] as const).map((ground) => [role("text"), role(ground)] as const),
      ...(["page", "card"] as const).flatMap((ground) =>
        (["quiet", "accent", "good", "warn", "bad"] as const).map((ink) => [role(ink), role(ground)] as const),
      ),
      [role("quiet"), role("track")],
      [role("accent"), role("soft")],
      [role("strongText"), role("strong")],
      ...(["good", "warn", "bad"] as const).map((tone) => [role(tone), role(`${tone}Soft`)] as const),
    ] as const;
    expect(pairs.filter(([ink, ground]) => contrast(ink, ground) < 4.5)).toEqual([]);
    for (const ground of ["page", "card"] as const) {
      expect(contrast(role("edge"), role(ground))).toBeGreaterThanOrEqual(3);
    }
  });

  it("keep each label's hue visible", () => {
    for (const label of LABELS) {
      for (const ground of ["page", "card"] as const) {
        expect([label, contrast(LABEL_HUES[label]![scheme], role(ground)) >= 3]).toEqual([label, true]);
      }
    }
  });

  it.each(Object.keys(EYES))("keep the labels' hues apart for eyes with %s", (eyes) => {
    const seen = LABELS.map((label) => toOklab(multiply(EYES[eyes]!, readLinear(LABEL_HUES[label]![scheme]))));
    for (const [index, one] of seen.entries()) {
      for (const [other, two] of seen.slice(0, index).entries()) {
        const distance = Math.hypot(...one.map((value, axis) => value - two[axis]!));
        expect([LABELS[index], LABELS[other], distance > 0.06]).toEqual([LABELS[index], LABELS[other], true]);
      }
    }
  });
});

it("declares every role and hue for both schemes", () => {
  for (const label of LABELS) expect(DESIGN_TOKENS).toContain(`--${hueOf(label)}:light-dark(`);
  expect(DESIGN_TOKENS).toContain("--bad-soft:light-dark(");
  expect(DESIGN_TOKENS).not.toMatch(/undefined|NaN/);
});
