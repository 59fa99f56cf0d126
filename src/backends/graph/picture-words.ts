/** Numbers of a picture's steps, and a step for some rows only. */

/** Words of a step: assembly/words.ts. */
export const STEP = 40;

/** Operations: assembly/words.ts. */
export const OPERATIONS = {
  product: 1,
  depthwise: 2,
  maxPool: 3,
  averagePool: 4,
  add: 5,
  multiply: 6,
  copy: 8,
  softmax: 9,
  move: 10,
  resize: 11,
  winograd: 12,
  sample: 13,
} as const;

/** Some rows of a product's step. */
export function cutProduct(step: readonly number[], from: number, end: number): number[] {
  const cut = [...step];
  const move = (address: number, row: number): void => {
    cut[address] = step[address]! + from * step[row]!;
  };
  if (step[19] === 0) move(1, 2);
  else move(20, 22);
  move(9, 10);
  if (step[15] !== 0) move(15, 16);
  cut[14] = end - from;
  return cut;
}
