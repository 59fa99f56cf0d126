// Steps of a batch: four faces in a vector, maps channel by channel, row by row, one group of four behind another;
// graph/batch-plan.ts writes what is read here.

export const UNPACK: i32 = 1;
export const WINOGRAD: i32 = 2;
export const DIRECT: i32 = 3;
export const DEPTHWISE: i32 = 4;
export const MAX_POOL: i32 = 5;
export const AVERAGE_POOL: i32 = 6;
export const ADD: i32 = 7;
export const MULTIPLY: i32 = 8;
export const COPY: i32 = 9;
export const SOFTMAX: i32 = 10;
export const MOVE: i32 = 11;
export const RESIZE: i32 = 12;
export const SAMPLE: i32 = 13;
