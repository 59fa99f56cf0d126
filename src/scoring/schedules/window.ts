/** The window of a run: the values of `{yyyy}`, `{mm}`, `{dd}` and `{hh}` in a template at one due time. */

import { type Issue, ScoringError } from "../../errors.ts";

/** A manifest as JSON, before it is checked. */
export type ManifestTemplate = Readonly<Record<string, unknown>>;

const HOUR_MS = 3_600_000;

/** Fields of a template that may hold placeholders. */
const TEMPLATE_PATHS = [["name"], ["input", "prefix"], ["input", "manifest", "key"], ["output", "prefix"]] as const;

const PLACEHOLDER = /\{([^{}]*)\}/g;

/** The texts of a window by placeholder; `windowMs` in UTC. */
function nameWindow(windowMs: number): ReadonlyMap<string, string> {
  const text = new Date(windowMs).toISOString();
  return new Map([
    ["yyyy", text.slice(0, 4)],
    ["mm", text.slice(5, 7)],
    ["dd", text.slice(8, 10)],
    ["hh", text.slice(11, 13)],
  ]);
}

function readPath(value: unknown, path: readonly string[]): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return value;
  return isObject(value) && Object.hasOwn(value, head) ? readPath(value[head], rest) : undefined;
}

function writePath(value: unknown, path: readonly string[], text: string): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return text;
  return isObject(value) ? { ...value, [head]: writePath(value[head], rest, text) } : value;
}

function isObject(value: unknown): value is ManifestTemplate {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether runs can read different inputs: without a placeholder in the input, every run reads the same one. */
export function hasWindow(template: ManifestTemplate): boolean {
  const texts = TEMPLATE_PATHS.filter(([head]) => head === "input").map((path) => readPath(template, path));
  return texts.some((text) => typeof text === "string" && text.search(PLACEHOLDER) >= 0);
}

/**
 * The manifest of the run that is due at `dueMs`. Every placeholder is filled in; nothing else is changed or checked.
 * @param offsetHours added to the due time: −24 names the day before
 * @throws ScoringError `validation_failed` for an unknown placeholder
 */
export function expandTemplate(template: ManifestTemplate, dueMs: number, offsetHours: number): ManifestTemplate {
  const names = nameWindow(dueMs + offsetHours * HOUR_MS);
  const issues: Issue[] = [];
  let manifest = template;
  for (const path of TEMPLATE_PATHS) {
    const text = readPath(manifest, path);
    if (typeof text !== "string") continue;
    const filled = text.replace(PLACEHOLDER, (whole, name: string) => {
      const value = names.get(name);
      if (value !== undefined) return value;
      const message = `${whole} is none of ${[...names.keys()].map((known) => `{${known}}`).join(", ")}`;
      issues.push({ path: `manifest.${path.join(".")}`, code: "unknown_placeholder", message });
      return whole;
    });
    const written = writePath(manifest, path, filled);
    if (isObject(written)) manifest = written;
  }
  if (issues.length > 0) throw new ScoringError("validation_failed", "the template is not valid", { issues });
  return manifest;
}
