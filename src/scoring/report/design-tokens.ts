/**
 * The design of everything a person looks at: console, report, review and contact sheet. Five sizes of text, seven steps of
 * space, colors by their role, and one hue per label. The console shows all of it at `#/design`.
 */

import type { Label } from "../../model/labels.ts";

/** A color in both schemes, as `#rrggbb`. */
export interface SchemeColor {
  readonly light: string;
  readonly dark: string;
}

/**
 * One hue per label. Each has a contrast of 3 or more to card and page, and keeps its distance from the others for eyes
 * without one kind of cone (a test simulates them by Machado, Oliveira and Fernandes, 2009). A label is always named beside
 * its hue.
 */
export const LABEL_HUES: Readonly<Record<Label, SchemeColor>> = {
  Angry: { light: "#93152a", dark: "#e8868c" },
  Disgust: { light: "#84951d", dark: "#c6e288" },
  Fear: { light: "#7a45c2", dark: "#c9a8ff" },
  Happy: { light: "#a25f00", dark: "#b98500" },
  Sad: { light: "#4a80e8", dark: "#4f80e6" },
  Surprise: { light: "#005a70", dark: "#3cf0f5" },
  Neutral: { light: "#73777e", dark: "#7d8187" },
};

/** Colors by what they are for. `…Soft` is a background that text of the role stands on. */
export const COLOR_ROLES = {
  page: { light: "#f6f5f2", dark: "#121417" },
  card: { light: "#ffffff", dark: "#1b1e23" },
  text: { light: "#1c1f24", dark: "#e9eaec" },
  quiet: { light: "#5a6069", dark: "#a7adb6" },
  line: { light: "#e4e1db", dark: "#30343b" },
  edge: { light: "#858278", dark: "#7a808a" },
  track: { light: "#efede8", dark: "#262a30" },
  accent: { light: "#2b5cb0", dark: "#8fb6f5" },
  soft: { light: "#e9effa", dark: "#202c40" },
  strong: { light: "#1c1f24", dark: "#e9eaec" },
  strongText: { light: "#ffffff", dark: "#121417" },
  good: { light: "#1a6f40", dark: "#63c98f" },
  goodSoft: { light: "#e2f3e9", dark: "#173526" },
  warn: { light: "#855000", dark: "#f0b04a" },
  warnSoft: { light: "#fdf1dc", dark: "#37290f" },
  bad: { light: "#b3261e", dark: "#ff8f86" },
  badSoft: { light: "#fdecea", dark: "#3a1f1d" },
  idle: { light: "#8b9099", dark: "#767c86" },
} as const satisfies Readonly<Record<string, SchemeColor>>;

/** Sizes of text in rem: notes, body, headings of parts, headings of pages, one figure that matters. */
export const TEXT_SIZES = { note: 0.8125, body: 0.9375, part: 1.125, page: 1.5, figure: 2 } as const;

/** Steps of space in pixels. */
export const SPACES = [4, 8, 12, 16, 24, 32, 48] as const;

/**
 * Name of a label's custom property and class: `Happy` and `happy` → `hue-happy`. Labels without a hue of their own borrow one, by their name:
 * always the same, and perhaps that of another.
 */
export function hueOf(label: string): string {
  const names = Object.keys(LABEL_HUES).map((name) => name.toLowerCase());
  const own = names.indexOf(label.toLowerCase());
  if (own >= 0) return `hue-${names[own]!}`;
  let hash = 0;
  for (const character of label) hash = (hash * 31 + character.codePointAt(0)!) % 65_521;
  return `hue-${names[hash % names.length]!}`;
}

const declare = (name: string, { light, dark }: SchemeColor): string => `--${name}:light-dark(${light},${dark});`;
const dash = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The tokens as custom properties. `data-theme` on the root overrides the reader's system; print is always light. */
export const DESIGN_TOKENS = `:root{color-scheme:light dark;${Object.entries(COLOR_ROLES)
  .map(([name, color]) => declare(dash(name), color))
  .join("")}${Object.entries(LABEL_HUES)
  .map(([label, color]) => declare(hueOf(label), color))
  .join("")}${Object.entries(TEXT_SIZES)
  .map(([name, rem]) => `--text-${name}:${rem}rem;`)
  .join(
    "",
  )}${SPACES.map((pixels, index) => `--space-${index + 1}:${pixels}px;`).join("")}--radius:12px;--radius-small:6px}
:root[data-theme="light"]{color-scheme:light}
:root[data-theme="dark"]{color-scheme:dark}
${Object.keys(LABEL_HUES)
  .map((label) => `.${hueOf(label)}{--hue:var(--${hueOf(label)})}`)
  .join("")}
@media print{:root,:root[data-theme]{color-scheme:light;--page:#fff}}
`;
