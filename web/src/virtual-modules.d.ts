/** Modules that vite.config.ts makes. */

declare module "virtual:wasm-thread-script" {
  /** Address of the script that each thread of tfjs-backend-wasm runs. */
  const url: string;
  export default url;
}

/** The style sheet that the console shares with reports. */
declare module "virtual:design.css";
