/** How far two engines may differ and still agree. */

/** Agreement of every float32 engine with the reference (docs/model.md), and half a unit of the records' sixth decimal. */
export const ENGINE_TOLERANCE = 1e-4 + 5e-7;

/** Below this margin two engines may choose different labels. */
export const ENGINE_MARGIN = 2e-4;
