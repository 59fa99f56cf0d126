import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readAdminKeyFile } from "../../../src/serve/admin-key.ts";
import { parseServeConfig, readVariables } from "../../../src/serve/serve-config.ts";

/** What is wrong with a server's configuration is said by its name, before anything starts. */

const folder = mkdtempSync(join(tmpdir(), "countenance-config-"));
const data = join(folder, "data");
const photos = join(folder, "photos");
for (const path of [data, photos, join(data, "stores/own")]) mkdirSync(path, { recursive: true });
writeFileSync(join(folder, "file"), "a-secret-of-a-file-with-32-characters\n");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stores = (value: unknown) => ({ STORES: JSON.stringify(value) });
const parse = (variables: Record<string, string>) => parseServeConfig(readVariables(variables), data);

it("needs no variable: one store in the data folder, an admin key that is made once", () => {
  const config = parse({});
  expect(config).toMatchObject({ engine: "fused", adminKey: null, webhook: null, trustsProxy: false });
  expect(config.models).toEqual({ store: "faces", prefix: "models/", aliases: {} });
  expect([...config.stores]).toEqual([["faces", { kind: "folder", path: join(data, "stores/faces") }]]);
  const made = readAdminKeyFile(data);
  expect(made.key).toMatch(/^[\w-]{43}$/);
  expect(readAdminKeyFile(data)).toEqual(made);
  expect(statSync(made.path).mode & 0o777).toBe(0o600);
});

it("takes folders and S3 stores, and secrets from files", () => {
  const variables = {
    ...stores({
      photos: { kind: "folder", path: photos },
      own: { kind: "folder", path: join(data, "stores/own") },
      "far-away": {
        kind: "s3",
        endpoint: "http://127.0.0.1:1",
        region: "auto",
        bucket: "b",
        forcePathStyle: true,
        egressDollarsPerGb: 0.09,
      },
    }),
    STORE_FAR_AWAY_ACCESS_KEY_ID: "id",
    STORE_FAR_AWAY_SECRET_ACCESS_KEY_FILE: join(folder, "file"),
    ADMIN_KEY_FILE: join(folder, "file"),
    TRUST_PROXY: "1",
  };
  const config = parse(variables);
  expect(config).toMatchObject({ adminKey: "a-secret-of-a-file-with-32-characters", trustsProxy: true });
  expect(config.stores.get("far-away")).toMatchObject({
    kind: "s3",
    config: {
      egressDollarsPerGb: 0.09,
      credentials: { accessKeyId: "id", secretAccessKey: "a-secret-of-a-file-with-32-characters" },
    },
  });
});

it("scores as much of what clients compute again as it is told, 16 inputs of a chunk by default", () => {
  expect(parse({}).limits.maxClientSample).toBe(16);
  expect(parse({ VERIFY_SAMPLE: "4" }).limits.maxClientSample).toBe(4);
});

it("names who answers for the data, or nobody", () => {
  expect(parse({}).controller).toBeNull();
  expect(parse({ CONTROLLER: "Example Research, privacy@example.org" }).controller).toContain("privacy@");
});

describe("refuses, by its name,", () => {
  it.each<[string, Record<string, string>, string]>([
    ["a controller of two lines", { CONTROLLER: "Example\nResearch" }, "CONTROLLER must be one line"],
    ["a sample of three", { VERIFY_SAMPLE: "3" }, "VERIFY_SAMPLE must be a whole number of 4 to 256"],
    ["a sample of a word", { VERIFY_SAMPLE: "all" }, "VERIFY_SAMPLE must be a whole number"],
    [
      "egress that is dearer than any",
      stores({ a: { kind: "s3", region: "auto", bucket: "b", egressDollarsPerGb: 90 } }),
      "egressDollarsPerGb",
    ],
    ["a controller like a book", { CONTROLLER: "x".repeat(201) }, "of at most 200 characters"],
    ["a folder that is not there", stores({ a: { kind: "folder", path: join(folder, "absent") } }), "no such file"],
    ["a file", stores({ a: { kind: "folder", path: join(folder, "file") } }), "is not a folder"],
    [
      "a path that depends on where it is read",
      stores({ a: { kind: "folder", path: "photos" } }),
      "is not an absolute path",
    ],
    ["the data folder itself", stores({ a: { kind: "folder", path: data } }), "holds the server's own files"],
    ["a folder above it", stores({ a: { kind: "folder", path: folder } }), "holds the server's own files"],
    ["a kind of the Worker's", stores({ a: { kind: "r2", binding: "FACES" } }), "STORES"],
    ["a name that no URL holds", stores({ "A b": { kind: "folder", path: photos } }), "STORES"],
    ["what is no JSON", { STORES: "{" }, "STORES is not JSON"],
    [
      "S3 without its secret",
      stores({ s: { kind: "s3", region: "r", bucket: "b" } }),
      "STORE_S_ACCESS_KEY_ID is missing",
    ],
    ["a short admin key", { ADMIN_KEY: "short" }, "ADMIN_KEY must have at least 32"],
    ["a secret twice", { ADMIN_KEY: "a", ADMIN_KEY_FILE: "b" }, "ADMIN_KEY_FILE and ADMIN_KEY are both set"],
    ["a secret's file that is not there", { ADMIN_KEY_FILE: join(folder, "absent") }, "ADMIN_KEY_FILE names a file"],
    ["an unknown engine", { ENGINE: "cuda" }, "ENGINE must be one of fused, tfjs"],
    ["a webhook secret of another form", { WEBHOOK_SECRET: "x" }, "WEBHOOK_SECRET must be"],
    ["a proxy that is neither trusted nor not", { TRUST_PROXY: "yes" }, "TRUST_PROXY must be one of 0, 1"],
  ])("%s", (_, variables, message) => {
    expect(() => parse(variables)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    expect(() => parse(variables)).toThrow(message);
  });
});
