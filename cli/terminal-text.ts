import type { Issue } from "../src/errors.ts";

/** Controls, line separators and bidirectional marks. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/**
 * A name or a message as one line of a terminal: others chose it, and its reader may be an admin. What a terminal would obey
 * becomes the replacement character.
 */
export function showText(text: string): string {
  return text.replace(OBEYED, "\ufffd");
}

/** One finding, indented below what it belongs to. */
export function describeIssue({ path, line, column, message }: Issue): string {
  const place = [path, line, column].filter((part) => part !== undefined).join(":");
  return showText(`  ${place}: ${message}`);
}
