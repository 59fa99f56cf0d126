/** Checks what a manifest asks for against what its caller may use. */

import { ScoringError } from "../../errors.ts";
import { jobFolder } from "../keys.ts";
import type { Manifest } from "./manifest.ts";
import { type Rights, isGranted } from "../access/access.ts";

/** Checks what a manifest names, its purpose included. @throws ScoringError `forbidden` with the first 100 findings */
export function checkManifestAccess(manifest: Manifest, caller: Rights): void {
  const { input, output, purpose } = manifest;
  const issues: { path: string; code: string; message: string }[] = [];
  const check = (path: string, store: string, key: string): void => {
    if (isGranted(caller.grants, store, key)) return;
    issues.push({ path, code: "forbidden", message: `outside what the API key may use in ${store}` });
  };
  if (input.prefix !== undefined) check("input.prefix", input.store, input.prefix);
  if (input.manifest !== undefined)
    check("input.manifest.key", input.manifest.store ?? input.store, input.manifest.key);
  for (const [index, { key }] of (input.objects ?? []).entries()) {
    check(`input.objects[${index}].key`, input.store, key);
  }
  check("output.prefix", output.store, jobFolder(output.prefix, ""));
  const maxPriority = caller.maxPriority ?? 0;
  if (manifest.priority > maxPriority) {
    issues.push({
      path: "priority",
      code: "forbidden",
      message: `the API key allows priorities up to ${maxPriority}`,
    });
  }
  if (caller.purposes !== null && (purpose === undefined || !caller.purposes.includes(purpose))) {
    const allowed = caller.purposes.map((one) => JSON.stringify(one)).join(", ");
    issues.push({ path: "purpose", code: "forbidden", message: `the API key allows the purposes ${allowed}` });
  }
  if (issues.length === 0) return;
  const findings = issues.length === 1 ? "1 finding" : `${issues.length} findings`;
  throw new ScoringError("forbidden", `the API key does not allow the job (${findings})`, {
    issues: issues.slice(0, 100),
  });
}
