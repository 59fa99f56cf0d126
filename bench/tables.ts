/** Markdown tables. */

/** A table whose first column is text and whose others are numbers. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** A whole number with its thousands apart. */
export function round(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
