// A plan is a list of steps, each STEP words of 32 bits; graph/picture-words.ts writes what is read here.
// Maps lie row by row, pixel by pixel, channels together, four of them in a vector.

/** Words of one step; the first is its operation. */
export const STEP: i32 = 40;

export const PRODUCT: i32 = 1;
export const DEPTHWISE: i32 = 2;
export const MAX_POOL: i32 = 3;
export const AVERAGE_POOL: i32 = 4;
export const ADD: i32 = 5;
export const MULTIPLY: i32 = 6;
export const ACTIVATE: i32 = 7;
export const COPY: i32 = 8;
export const SOFTMAX: i32 = 9;
export const MOVE: i32 = 10;
export const RESIZE: i32 = 11;
export const WINOGRAD: i32 = 12;
export const SAMPLE: i32 = 13;

// @ts-ignore: decorator
@inline
export function word(step: usize, index: usize): i32 {
  return load<i32>(step + (index << 2));
}

// @ts-ignore: decorator
@inline
export function address(step: usize, index: usize): usize {
  return <usize>load<u32>(step + (index << 2));
}
