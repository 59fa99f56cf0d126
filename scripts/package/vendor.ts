import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { build } from "esbuild";

/**
 * The code of others that the package includes instead of depending on it: TensorFlow.js's packages take 66 MB installed, what is
 * used of them 1 MB; of the two image codecs only the decoders are used.
 */

/** Modules, by the name that the sources import and the file in `dist/vendor/`. */
const MODULES = {
  "@tensorflow/tfjs-core": "tfjs-core",
  "@tensorflow/tfjs-backend-wasm": "tfjs-backend-wasm",
  "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.js": "tfjs-backend-wasm-glue",
  "@jsquash/webp/codec/dec/webp_dec.js": "webp-dec",
} as const;

/** Binaries, by the name that the sources use. */
const BINARIES = {
  "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm": "tfjs-backend-wasm-simd.wasm",
  "@jsquash/webp/codec/dec/webp_dec.wasm": "webp-dec.wasm",
  "@cwasm/jpeg-turbo/jpeg-turbo.wasm": "jpeg-turbo.wasm",
} as const;

/** What the modules above contain. */
const PACKAGES = [
  "@tensorflow/tfjs-core",
  "@tensorflow/tfjs-backend-cpu",
  "@tensorflow/tfjs-backend-wasm",
  "seedrandom",
  "long",
  "@jsquash/webp",
  "@cwasm/jpeg-turbo",
];

/** Node's own modules where there is a Node: CommonJS inside asks for them, and this is ESM everywhere. */
const BANNER =
  'var require = globalThis.process?.getBuiltinModule?.bind(globalThis.process), __dirname = "", __filename = "";';

/** Writes modules, binaries and licenses. @param folder `dist/vendor` */
export async function buildVendor(root: string, folder: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: Object.entries(MODULES).map(([module, file]) => ({ in: module, out: file })),
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: "chunk-[hash]",
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    minify: true,
    // Names show in the messages of TensorFlow.js.
    keepNames: true,
    legalComments: "none",
    banner: { js: BANNER },
    external: ["fs", "path", "util", "crypto", "os", "perf_hooks", "worker_threads", "node-fetch"],
    logLevel: "error",
    plugins: [
      {
        name: "without-threads",
        setup(builder) {
          // The backend's own start-up, which nothing calls, is all that would use the build with threads.
          builder.onResolve({ filter: /wasm-out\/tfjs-backend-wasm-threaded-simd(\.worker)?\.js$/ }, ({ path }) => ({
            path,
            namespace: "nothing",
          }));
          builder.onLoad({ filter: /./, namespace: "nothing" }, () => ({
            contents: 'export default undefined; export const wasmWorkerContents = "";',
          }));
        },
      },
    ],
  });
  for (const [name, file] of Object.entries(BINARIES)) {
    await cp(join(root, "node_modules", name), join(folder, file));
  }
  await writeFile(join(folder, "LICENSES.txt"), await readLicenses(root));
}

async function readLicenses(root: string): Promise<string> {
  const texts = await Promise.all(
    PACKAGES.map(async (name) => {
      const path = join(root, "node_modules", name);
      const { version, license } = JSON.parse(await readFile(join(path, "package.json"), "utf8")) as {
        readonly version: string;
        readonly license: string;
      };
      const file = (await readdir(path)).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file === undefined ? "" : await readFile(join(path, file), "utf8");
      return `${name} ${version}, ${license}\n\n${text.trim()}\n`;
    }),
  );
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/**
 * Points every compiled file at `dist/vendor/` where it names one of the above, and at compiled threads: the compiler
 * rewrites imports only, not addresses.
 * Error for a file that names another
 */
export async function useVendor(dist: string): Promise<void> {
  const targets = new Map<string, string>([
    ...Object.entries(MODULES).map(([name, file]) => [name, `${file}.js`] as const),
    ...Object.entries(BINARIES),
  ]);
  const entries = await readdir(dist, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile() || !entry.name.endsWith(".js") || entry.parentPath.endsWith("vendor")) continue;
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, "utf8");
    const pointed = text.replace(/"(@(?:tensorflow|jsquash|cwasm)\/[^"]+)"/g, (_, name: string) => {
      const file = targets.get(name);
      if (file === undefined) throw new Error(`${path} uses ${name}, which the package does not include`);
      const address = relative(entry.parentPath, join(dist, "vendor", file));
      return JSON.stringify(address.startsWith(".") ? address : `./${address}`);
    });
    const compiled = pointed.replace(/(new URL\("\.[^"]+)\.ts"/g, '$1.js"');
    if (compiled !== text) await writeFile(path, compiled);
  }
}
