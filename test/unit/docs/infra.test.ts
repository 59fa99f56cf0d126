import { describe, expect, it } from "vitest";
import { PREFIXES } from "../../../infra/environments.ts";
import { nameVariable, parseStoreName } from "../../../infra/aws/store-name.ts";
import {
  describePattern,
  EVENT_PATHS,
  SUFFIXES,
  UPLOAD_KINDS,
  type UploadKind,
  writeInputTemplate,
  writeJobTemplate,
} from "../../../infra/aws/upload-kinds.ts";
import { parseConfig } from "../../../src/env.ts";
import { jobFolder, OUTPUT_NAMES, probeKey } from "../../../src/scoring/keys.ts";
import { LIMITS } from "../../../src/scoring/limits.ts";
import { parseInputs } from "../../../src/scoring/requests/add-inputs.ts";
import { createMemoryStore } from "../../../src/storage/memory-store.ts";
import { makeSpec } from "../../fault/scene.ts";
import { parseManifest } from "../../../src/scoring/manifest/manifest.ts";

/** infra/ tests what it registers; here what it says is held to what the Worker accepts. */

const stores = new Map([["uploads", { versions: true }]]);

/** An event of S3 as EventBridge gets it: the key as it is, the etag without quotes. */
function createEvent(key: string) {
  return {
    source: "aws.s3",
    "detail-type": "Object Created",
    detail: {
      bucket: { name: "faces" },
      object: {
        key,
        size: 5,
        etag: "b1946ac92492d2347c6235b4d2611184",
        "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
      },
    },
  };
}

function readPath(event: unknown, path: string): unknown {
  return path
    .split(".")
    .slice(1)
    .reduce((value, name) => Reflect.get(value as object, name), event);
}

/** What EventBridge sends: each `<name>` outside of quotes is the JSON of the value at its path. */
function fillTemplate(template: string, event: unknown): unknown {
  const paths: Record<string, string> = EVENT_PATHS;
  return JSON.parse(
    template.replace(/<([a-z]+)>/g, (_, name: string) => JSON.stringify(readPath(event, paths[name] ?? ""))),
  );
}

const startsJob = (kind: UploadKind, key: string) =>
  describePattern("faces", kind).detail.object.key.some(({ wildcard }) => {
    const [before = "", after = ""] = wildcard.split("*");
    return key.length >= before.length + after.length && key.startsWith(before) && key.endsWith(after);
  });

describe("an upload that starts a job", () => {
  const settings = { store: "uploads", purpose: "research", faces: "largest" } as const;

  it.each(["manifest", "tar"] as const)("of kind %s is a manifest that the API accepts, whatever the key", (kind) => {
    for (const name of ["plain", "with space", 'quo"te', "back\\slash", "<key>", "ümlaut", "new\nline"]) {
      const key = `${PREFIXES.inputs}${name}${SUFFIXES[kind][0]}`;
      expect(startsJob(kind, key)).toBe(true);
      const body = fillTemplate(writeJobTemplate(kind, settings), createEvent(key));
      const { input, format, output } = parseManifest(body, stores, () => true);
      expect(input.manifest?.key ?? input.objects?.[0]?.key).toBe(key);
      expect(input.manifest?.etag ?? input.objects?.[0]?.etag).toBe("b1946ac92492d2347c6235b4d2611184");
      expect(input.objects?.[0]?.versionId).toBe(kind === "manifest" ? undefined : "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e");
      expect(format).toBe(kind === "tar" ? "tar" : "image");
      expect(output).toMatchObject({ store: "uploads", prefix: "out/" });
    }
  });

  it("and is an image is a line that a feed takes, whatever the key", () => {
    const manifest = { input: { store: "uploads", open: true, prefix: "in/" }, output: { store: "uploads" } };
    const spec = { ...makeSpec(), manifest: parseManifest(manifest, stores, () => true) };
    const deps = { openStore: () => ({ ...createMemoryStore(), capabilities: { versions: true } }), limits: LIMITS };
    for (const name of ["plain", "with space", 'quo"te', "back\\slash", "<key>", "ümlaut", "new\nline"]) {
      const key = `${PREFIXES.inputs}${name}.jpg`;
      const line = JSON.stringify(fillTemplate(writeInputTemplate(), createEvent(key)));
      const [input] = parseInputs(deps, spec, new TextEncoder().encode(line));
      expect(input).toMatchObject({
        key,
        etag: "b1946ac92492d2347c6235b4d2611184",
        versionId: "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
      });
    }
  });

  it("is never an output: no job starts another", () => {
    const folder = jobFolder(PREFIXES.outputs, "0190b6a5-0000-7000-8000-000000000000");
    for (const name of Object.values(OUTPUT_NAMES)) {
      expect(UPLOAD_KINDS.filter((kind) => startsJob(kind, `${folder}${name}`))).toEqual([]);
    }
  });

  it("is of one kind", () => {
    for (const suffix of Object.values(SUFFIXES).flat()) {
      expect(UPLOAD_KINDS.filter((kind) => startsJob(kind, `in/a${suffix}`))).toHaveLength(1);
    }
  });
});

it("lifecycle rules for probes fit their keys", () => {
  expect(probeKey(PREFIXES.outputs, "x")).toBe(`${PREFIXES.outputs}.countenance-probe-x`);
});

it("the store's entry is one that the configuration accepts, with secrets of these names", () => {
  for (const store of ["uploads", "north-2"]) {
    const entry = `"${parseStoreName(store)}": {"kind":"s3","region":"eu-central-1","bucket":"faces","versions":true}`;
    const env = {
      ENVIRONMENT: "production",
      ENGINE: "fused",
      STORES: `{ ${entry} }`,
      ADMIN_KEY: "0123456789".repeat(4),
    };
    expect(() => parseConfig(env)).toThrow(`${nameVariable(store)}_ACCESS_KEY_ID is missing`);
    const keyed = {
      ...env,
      [`${nameVariable(store)}_ACCESS_KEY_ID`]: "AKIA",
      [`${nameVariable(store)}_SECRET_ACCESS_KEY`]: "secret",
    };
    // All that is missing is what only wrangler binds.
    expect(() => parseConfig(keyed)).toThrow("CHUNKS");
  }
});
