/** Which groups may be shown: figures about very few faces are figures about persons. */

/** A group with its number of faces. */
export interface SizedGroup {
  readonly faces: number;
}

/**
 * One flag per group: `true` hides it.
 *
 * Groups below `minGroupSize` are hidden. Since the total is shown, a hidden figure can be found by subtraction; so further
 * groups, smallest first, are hidden until at least two non-empty groups hide behind each other and together reach the
 * minimum (complementary suppression; Hundepool et al. 2012, "Statistical Disclosure Control", ch. 4).
 */
export function suppressGroups(groups: readonly SizedGroup[], minGroupSize: number): boolean[] {
  const hidden = groups.map((group) => group.faces < minGroupSize);
  const shown = groups
    .map((group, index) => ({ faces: group.faces, index }))
    .filter(({ index }) => !hidden[index])
    .sort((a, b) => a.faces - b.faces || a.index - b.index);
  for (const { index } of shown) {
    const remainder = groups.filter((group, position) => hidden[position] === true && group.faces > 0);
    const faces = remainder.reduce((sum, group) => sum + group.faces, 0);
    // One hidden group alone never reaches the minimum, so this implies at least two.
    if (remainder.length === 0 || faces >= minGroupSize) break;
    hidden[index] = true;
  }
  return hidden;
}
