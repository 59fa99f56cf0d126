/** The emscripten glue of `@jsquash/webp` has no types of its own that name its options. */
declare module "@jsquash/webp/codec/dec/webp_dec.js" {
  const create: (options: Record<string, unknown>) => Promise<unknown>;
  export default create;
}
