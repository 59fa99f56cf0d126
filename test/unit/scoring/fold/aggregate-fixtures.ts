/** Records for the tests of aggregates: arbitrary ones, and a seeded job that looks like a real one. */

import { nameProbabilities } from "../../../../src/scoring/chunk/score-record.ts";
import type { Eyes } from "../../../../src/model/face-finder.ts";
import * as fc from "fast-check";
import { LABELS } from "../../../../src/model/labels.ts";
import { roundMicro } from "../../../../src/scoring/records/field-types.ts";
import type { QualityRecord, ScoreRecord } from "../../../../src/scoring/records/records.ts";
import { createRandom, drawShares } from "../../../../src/scoring/statistics/random.ts";

/** Strings that break things: markup, formulas, quotes, controls, prototype names, unpaired surrogates. */
export const HOSTILE_TEXTS = [
  "",
  "__proto__",
  "constructor",
  '<script>alert("x")</script>',
  "'\"><img src=x onerror=alert(1)>",
  "</style><script>1</script>",
  '=HYPERLINK("http://x")',
  "+1+1",
  "-2+3",
  "@SUM(A1)",
  "\t=1",
  "\r=1",
  "a;=1+1",
  'he said "hi", twice\nand left',
  "\u202egnp.exe",
  "\ud800",
  "ключ/ключ 🙂.jpg",
  "a\u0000b",
] as const;

const text = fc.oneof(fc.constantFrom(...HOSTILE_TEXTS), fc.string({ maxLength: 12, unit: "binary" }));

const micro = (max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: max * 1_000_000 }).map((n) => n / 1_000_000);

const quality: fc.Arbitrary<QualityRecord | null> = fc.option(
  fc.record({
    brightness: fc.integer({ min: 0, max: 25_500 }).map((n) => n / 100),
    contrast: fc.integer({ min: 0, max: 12_750 }).map((n) => n / 100),
    side: fc.integer({ min: 1, max: 6_553_500 }).map((n) => n / 100),
  }),
);

const groups: fc.Arbitrary<Record<string, string>> = fc
  .tuple(
    fc.option(fc.constantFrom("a", "b", "c", "d", "e", ...HOSTILE_TEXTS)),
    fc.option(fc.constantFrom("x", "y")),
    fc.option(text),
  )
  .map(([site, __proto, more]) =>
    Object.fromEntries([
      ...(site === null ? [] : [["site", site]]),
      ...(__proto === null ? [] : [["__proto__", __proto]]),
      ...(more === null ? [] : [["more", more]]),
    ]),
  );

const common = {
  id: text,
  key: text,
  etag: fc.option(text),
  groups,
  truth: fc.option(fc.constantFrom(...LABELS)),
  model: fc.constant("deep-emotion@1"),
  pipeline: fc.constant(1 as const),
};

const point = fc.record({ x: micro(999), y: micro(999) });
const eyes: fc.Arbitrary<Eyes | null> = fc.option(fc.tuple(point, point));

const scored: fc.Arbitrary<ScoreRecord> = fc.record({
  ...common,
  status: fc.constant("scored" as const),
  label: fc.constantFrom(...LABELS),
  probabilities: fc.array(micro(1), { minLength: 7, maxLength: 7 }).map((values) => nameProbabilities(LABELS, values)),
  margin: micro(1),
  entropy: micro(2),
  face: fc.record({
    box: fc.record({ x: fc.integer({ min: -9, max: 999 }), y: micro(99), width: micro(99), height: micro(99) }),
    score: fc.option(micro(1)),
    eyes,
    theta: fc.option(
      fc.array(
        fc.integer({ min: -2_000_000, max: 2_000_000 }).map((n) => n / 1_000_000 + 0),
        {
          minLength: 6,
          maxLength: 6,
        },
      ),
    ),
  }),
  quality,
  error: fc.constant(null),
});

const unsure: fc.Arbitrary<ScoreRecord> = fc
  .tuple(scored, fc.option(micro(1)))
  .map(([{ label, ...record }, threshold]) => ({ ...record, label: null, abstained: { label: label!, threshold } }));

const unscored: fc.Arbitrary<ScoreRecord> = fc.record({
  ...common,
  status: fc.constantFrom("no_face", "skipped", "failed", "cancelled", "expired"),
  label: fc.constant(null),
  probabilities: fc.constant(null),
  margin: fc.constant(null),
  entropy: fc.constant(null),
  face: fc.constant(null),
  quality: fc.constant(null),
  error: fc.option(
    fc.record({ code: fc.constantFrom("object_changed", "image_corrupt", "item_poisoned"), message: text }),
  ),
});

/** Any record. */
export const anyRecord: fc.Arbitrary<ScoreRecord> = fc.oneof({ weight: 3, arbitrary: scored }, unsure, unscored);

/** A seeded job: `count` records of four sites, some failing; `tilt` moves probability from Neutral to Happy. */
export function makeRecords(
  count: number,
  options: { seed?: number; tilt?: number; dark?: number; withTruth?: boolean } = {},
): ScoreRecord[] {
  const { seed = 1, tilt = 0, dark = 0, withTruth = true } = options;
  const random = createRandom(seed);
  const base = [0.9, 0.15, 0.8, 2.4 + tilt, 1.1, 0.9, Math.max(0.2, 1.8 - tilt)];
  const sites = ["Basel", "Nairobi", "Osaka", "Quito"];
  return Array.from({ length: count }, (_, index): ScoreRecord => {
    const site = sites[Math.min(3, Math.floor(random.next() ** 2 * 4))] ?? "Basel";
    const lane = random.next();
    const id = `2026/11/22/${site.toLowerCase()}/${String(index).padStart(6, "0")}.jpg`;
    const shared = {
      id,
      key: id,
      etag: `"${index.toString(16)}"`,
      groups: { site, camera: `cam-${Math.floor(random.next() * 23)}` },
      model: "deep-emotion@1",
      pipeline: 1 as const,
    };
    if (lane > 0.955) {
      const status = lane > 0.985 ? "failed" : lane > 0.975 ? "skipped" : "no_face";
      const code = lane > 0.992 ? "image_truncated" : lane > 0.985 ? "image_corrupt" : "object_changed";
      return {
        ...shared,
        status,
        label: null,
        probabilities: null,
        margin: null,
        entropy: null,
        face: null,
        truth: null,
        quality: null,
        error: status === "no_face" ? null : { code, message: `${code} at ${id}` },
      };
    }
    const probabilities = drawShares(random, base).map(roundMicro);
    const [first = 0, second = 0] = [...probabilities].sort((a, b) => b - a);
    const top = probabilities.indexOf(first);
    const truth = random.next() < 0.35 + 0.6 * first ? top : Math.floor(random.next() * 7);
    return {
      ...shared,
      status: "scored",
      label: LABELS[top] ?? "Neutral",
      probabilities: nameProbabilities(LABELS, probabilities),
      margin: roundMicro(first - second),
      entropy: roundMicro(-probabilities.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0)),
      face: { box: { x: 10, y: 12, width: 80, height: 80 }, score: null, theta: [1, 0, 0.01, 0, 1, -0.02] },
      truth: withTruth ? (LABELS[truth] ?? null) : null,
      quality: {
        brightness: Math.round((120 - dark + 25 * random.nextNormal()) * 100) / 100,
        contrast: Math.round(Math.abs(48 + 10 * random.nextNormal()) * 100) / 100,
        side: Math.round(80 + 40 * random.nextGamma(2)),
      },
      error: null,
    };
  });
}
