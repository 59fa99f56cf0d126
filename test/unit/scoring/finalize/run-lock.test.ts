import { expect, it } from "vitest";
import { makeSpec, readOutputs, run } from "../../../fault/scene.ts";

it("run.lock.json has the origin of a webhook's address, and no token that stands behind it", async () => {
  const spec = makeSpec({ notify: { url: "https://user:word@hooks.example.com/services/T0/secret?token=abc" } });
  const { store } = await run({ spec });
  const lock = (await readOutputs(store))["run.lock.json"]!;
  expect(JSON.parse(lock)).toMatchObject({ manifest: { content: { notify: { url: "https://hooks.example.com" } } } });
  for (const secret of ["secret", "abc", "word"]) expect(lock).not.toContain(secret);
});
