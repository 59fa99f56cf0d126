/** Where a text stops being JSON (RFC 8259): engines do not tell the position reliably. */

const SPACE = /[ \t\n\r]*/y;
// oxlint-disable-next-line no-control-regex -- JSON forbids them in strings
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

type Expected = "value" | "value or end" | "key" | "key or end" | "colon" | "comma or end" | "nothing";

/** Offset of the first character that cannot stand where it stands; the text's length if it only ends too early. */
export function findJsonError(text: string): number {
  let at = 0;
  let expected: Expected = "value";
  const open: ("{" | "[")[] = [];
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return false;
    at += match[0].length;
    return true;
  };
  const close = (): void => {
    at += 1;
    open.pop();
    expected = open.length === 0 ? "nothing" : "comma or end";
  };
  for (;;) {
    take(SPACE);
    const next = text[at];
    if (next === undefined || expected === "nothing") return at;
    const ends = next === (open.at(-1) === "{" ? "}" : "]") && open.length > 0;
    if (ends && expected.endsWith("or end")) close();
    else if (expected === "comma or end" && next === ",") {
      at += 1;
      expected = open.at(-1) === "{" ? "key" : "value";
    } else if (expected === "colon" && next === ":") {
      at += 1;
      expected = "value";
    } else if (expected.startsWith("key") && take(STRING)) expected = "colon";
    else if (expected.startsWith("value") && (next === "{" || next === "[")) {
      at += 1;
      open.push(next);
      expected = next === "{" ? "key or end" : "value or end";
    } else if (expected.startsWith("value") && (take(STRING) || take(SCALAR))) {
      expected = open.length === 0 ? "nothing" : "comma or end";
    } else return at;
  }
}
