/**
 * One line of CSV (RFC 4180, without line breaks inside quotes) to its fields. uDSV does the unquoting; the number of
 * fields is counted here first, because uDSV joins or drops fields if a line has a different number of them.
 */

import { initParser, type Schema } from "udsv";

const COMMA = ",";
const QUOTE = '"';

/** Fields of a line by its separators outside quotes; null if a quote is left open. */
export function countCsvFields(line: string): number | null {
  let fields = 1;
  let quoted = false;
  for (const character of line) {
    if (character === QUOTE) quoted = !quoted;
    else if (character === COMMA && !quoted) fields += 1;
  }
  return quoted ? null : fields;
}

/** A parser for lines of exactly `fieldCount` fields; it answers null for any other line. */
export function createCsvLineParser(fieldCount: number): (line: string) => readonly string[] | null {
  const schema: Schema & { skip: number } = {
    col: COMMA,
    row: "\n",
    encl: QUOTE,
    esc: QUOTE,
    trim: false,
    // No header row: the caller has read it.
    skip: 0,
    cols: Array.from({ length: fieldCount }, (_, at) => ({
      name: String(at),
      type: "s" as const,
      repl: { empty: "", null: undefined, NaN: undefined },
    })),
  };
  const parser = initParser(schema);
  return (line) => {
    if (countCsvFields(line) !== fieldCount) return null;
    const rows = parser.stringArrs<string[]>(line);
    const row = rows[0];
    return rows.length === 1 && row?.length === fieldCount ? row : null;
  };
}
