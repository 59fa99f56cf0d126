/** The emscripten glue of `@jsquash/webp`, whose own types name neither its options nor a type that resolves. */
declare module "@jsquash/webp/codec/dec/webp_dec.js" {
  export interface WebpModule {
    /** RGBA, or `null` if libwebp refuses the bytes. */
    decode(
      bytes: Uint8Array,
    ): { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number } | null;
  }
  interface WebpOptions {
    readonly noInitialRun: boolean;
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports;
  }
  const create: (options: WebpOptions) => Promise<WebpModule>;
  export default create;
}
