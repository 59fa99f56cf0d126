/** Modules that vite.config.ts makes. */

declare module "virtual:wasm-thread-script" {
  /** Address of the script that each thread of tfjs-backend-wasm runs. */
  const url: string;
  export default url;
}
