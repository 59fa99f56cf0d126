/** Edits (a letter more, less or another, or two swapped) that a slip of the fingers makes. */
const MAX_EDITS = 2;

/** ` (did you mean …?)`: of the known words the nearest to a mistyped one; empty where none is near. @param mark before it */
export function suggest(word: string, known: readonly string[], mark = ""): string {
  const wanted = word.toLowerCase();
  const [best] = known
    .map((name) => ({ name, edits: countEdits(wanted, name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.min(MAX_EDITS, Math.floor(name.length / 2)) || isStart(wanted, name))
    .toSorted((left, right) => left.edits - right.edits);
  return best === undefined ? "" : ` (did you mean ${mark}${best.name}?)`;
}

/** Three letters or more of a longer word, or that word and more behind it. */
function isStart(word: string, name: string): boolean {
  return Math.min(word.length, name.length) >= 3 && (name.startsWith(word) || word.startsWith(name));
}

/** Optimal string alignment distance. */
function countEdits(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array.from({ length: b.length }, () => 0)]);
  for (let j = 0; j <= b.length; j++) rows[0]![j] = j;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      rows[i]![j] = Math.min(
        rows[i - 1]![j]! + 1,
        rows[i]![j - 1]! + 1,
        rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1),
        ...(swapped ? [rows[i - 2]![j - 2]! + 1] : []),
      );
    }
  }
  return rows[a.length]![b.length]!;
}
