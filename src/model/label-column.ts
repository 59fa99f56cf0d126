/** The column of a label in tables. */

/** Name of the column that holds a label's probability: `Angry` → `p_angry`, `not sure` → `p_not_sure`. */
export function nameProbabilityColumn(label: string): string {
  return `p_${label.toLowerCase().replaceAll(" ", "_")}`;
}
