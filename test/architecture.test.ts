import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";

/** The rules of direction and the grep rules of docs/architecture.md, as tests. */

const root = join(import.meta.dirname, "..");

interface Source {
  readonly path: string;
  readonly text: string;
  /** Comments blanked, line numbers kept. */
  readonly code: string;
  /** Project-relative targets of relative imports. */
  readonly imports: readonly string[];
  readonly packages: readonly string[];
}

function listFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((path) => !path.includes("node_modules") && !path.includes("/assembly/"));
}

function readSource(path: string): Source {
  const text = readFileSync(join(root, path), "utf8");
  const code = text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|\s)\/\/.*$/gm, "$1");
  const specifiers = [...code.matchAll(/(?:from\s+|import\s*\(?\s*)"([^"]+)"/g)].map((match) => match[1] ?? "");
  const local = specifiers.filter((specifier) => specifier.startsWith("."));
  return {
    path,
    text,
    code,
    imports: local.map((specifier) => normalize(join(dirname(path), specifier))),
    packages: specifiers.filter((specifier) => !specifier.startsWith(".")),
  };
}

const sources = listFiles("src").map(readSource);
/** Another package, with its own way to run; what it exports is explained all the same. */
const programs = listFiles("infra").map(readSource);
const inFolder = (source: Source, folder: string) => source.path.startsWith(`src/${folder}/`);

/** `path:line` of each match in code. */
function findInCode(pattern: RegExp, files: readonly Source[]): string[] {
  return files.flatMap((source) =>
    source.code
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${source.path}:${index + 1} ${line.trim()}`] : [])),
  );
}

describe("direction", () => {
  const allowed: Record<string, readonly RegExp[]> = {
    model: [/^src\/model\//, /^src\/errors\.ts$/],
    // A raster is a type of the model's ports: image may name it.
    image: [/^src\/image\//, /^src\/errors\.ts$/, /^src\/model\//],
    storage: [/^src\/storage\//, /^src\/errors\.ts$/],
    scoring: [
      /^src\/scoring\//,
      /^src\/errors\.ts$/,
      /^src\/model\//,
      /^src\/image\//,
      /^src\/storage\/(object-store|metered-store|named-store|deadline|read-object|read-body|retry|bytes|key-rules|network-errors|conditional-put)\.ts$/,
    ],
    http: [/^src\/(?!jobs\/|serve\/|library\/|platform\.ts|worker\.ts)/],
    jobs: [/^src\/(?!http\/|serve\/|library\/|platform\.ts|worker\.ts)/],
    client: [/^src\/(?!jobs\/|http\/|serve\/|library\/|platform\.ts|worker\.ts|env\.ts)/],
    // The Durable Objects are the Worker's: their runtime is not there.
    serve: [/^src\/(?!worker\.ts|env\.ts|library\/|jobs\/[\w-]+-object\.ts)/],
    // The package's main entry: engines and core, without a job.
    library: [/^src\/(?!jobs\/|http\/|client\/|serve\/|platform\.ts|worker\.ts|env\.ts)/],
    backends: [/^src\/(backends|model|image)\//, /^src\/errors\.ts$/],
  };
  for (const [folder, rules] of Object.entries(allowed)) {
    it(`${folder} imports only what it may`, () => {
      const broken = sources
        .filter((source) => inFolder(source, folder))
        .flatMap((source) =>
          source.imports
            .filter((target) => target.startsWith("src/") && !rules.some((rule) => rule.test(target)))
            .map((target) => `${source.path} → ${target}`),
        );
      expect(broken).toEqual([]);
    });
  }

  it("only the edges know the Workers runtime", () => {
    const broken = sources
      .filter((source) => source.packages.some((name) => name.startsWith("cloudflare:")))
      .map((source) => source.path)
      .filter((path) => !/^src\/(jobs\/|worker\.ts|workers-types\.d\.ts)/.test(path));
    expect(broken).toEqual([]);
  });

  it("the core is free of Node", () => {
    const core = sources.filter((source) => /^src\/(model|scoring|http|jobs|client)\//.test(source.path));
    const broken = core
      .filter((source) => source.packages.some((name) => name.startsWith("node:")))
      .map((source) => source.path);
    expect(broken).toEqual([]);
  });
});

describe("grep rules", () => {
  const core = sources.filter((source) => /^src\/(model|image|storage|scoring)\//.test(source.path));

  it("console only in the logger", () => {
    expect(
      findInCode(
        /\bconsole\./,
        sources.filter((source) => source.path !== "src/log.ts"),
      ),
    ).toEqual([]);
  });

  it("no clock or randomness in the core", () => {
    expect(findInCode(/\bDate\.now\(|\bnew Date\(\)|Math\.random\(|performance\.now\(|randomUUID\(/, core)).toEqual([]);
  });

  it("no `as any`, no silenced type errors", () => {
    expect(findInCode(/\bas any\b|: any\b|<any>/, sources)).toEqual([]);
    const silenced = sources.filter((source) => /@ts-(ignore|nocheck)/.test(source.text)).map((source) => source.path);
    expect(silenced).toEqual([]);
  });

  it("no module-level mutable state outside backends", () => {
    const files = sources.filter((source) => !inFolder(source, "backends"));
    expect(findInCode(/^(export )?let\b|^(export )?var\b/, files)).toEqual([]);
  });

  it("status codes only in http", () => {
    const files = sources.filter((source) => !inFolder(source, "http"));
    expect(findInCode(/\bstatus:\s*[1-5]\d\d\b|new Response\([^)]*status/, files)).toEqual([]);
  });

  it("file names are kebab-case nouns; no catch-all names", () => {
    const broken = sources
      .map((source) => source.path)
      .filter(
        (path) =>
          !/^src\/([a-z0-9-]+\/)*[a-z0-9-]+(\.d)?\.tsx?$/.test(path) ||
          /\/(utils?|helpers?|manager|common)\b/.test(path),
      );
    expect(broken).toEqual([]);
  });

  it("no file over 300 lines", () => {
    const long = [...sources, ...programs]
      .filter((source) => source.text.split("\n").length > 301)
      .map((source) => source.path);
    expect(long).toEqual([]);
  });
});

describe("docblocks", () => {
  it("stand before every exported symbol", () => {
    const bare = [...sources, ...programs].flatMap((source) => {
      if (source.path.endsWith(".d.ts")) return [];
      const lines = source.text.split("\n");
      return lines.flatMap((line, index) => {
        const name =
          /^export (?:default )?(?:abstract )?(?:async )?(?:function\*?|const|class|interface|type) (\w+)/.exec(line);
        if (!name) return [];
        const before = lines[index - 1]?.trim() ?? "";
        // Overloads and a type derived from the documented constant above it share that docblock.
        const derived = new RegExp(
          `^export type ${name[1]} = \\(?typeof|^export type ${name[1]} = (keyof typeof|z\\.)`,
        ).test(line);
        return before.endsWith("*/") || derived ? [] : [`${source.path}:${index + 1} ${name[1]}`];
      });
    });
    expect(bare).toEqual([]);
  });
});
