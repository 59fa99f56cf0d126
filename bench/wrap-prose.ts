/** Paragraphs of Markdown at most 120 columns wide. */

const COLUMNS = 120;

/** Fills words into lines; `indent` stands before all but the first. */
function fill(words: readonly string[], indent: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (longer.length > COLUMNS && line !== "") {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}

/** Wraps paragraphs and items of lists that have a longer line; tables and headings stay as they are. */
export function wrapProse(markdown: string): string {
  return markdown
    .split("\n\n")
    .map((block) => {
      const lines = block.split("\n");
      if (lines.every(({ length }) => length <= COLUMNS) || /^\s*[|#]/.test(block)) return block;
      const items = block.split(/\n(?=- )/);
      return items.map((item) => fill(item.split(/\s+/), item.startsWith("- ") ? "  " : "")).join("\n");
    })
    .join("\n\n");
}
