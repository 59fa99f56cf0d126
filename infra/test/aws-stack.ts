/** The AWS program under mocks, and what its policies allow. */

import type { PolicyDocument } from "../aws/rights.ts";
import { type Recorded, runProgram } from "./recorder.ts";

/** Runs the AWS program with settings of its own, and those of a region. */
export const runAws = (config: Record<string, string> = {}, stack = "production") =>
  runProgram("aws", stack, {
    "aws:region": "eu-central-1",
    ...Object.fromEntries(Object.entries(config).map(([key, value]) => [`countenance-aws:${key}`, value])),
  });

/** Settings with which uploads are told of. */
export const withEvents = {
  url: "https://countenance-production.example.workers.dev",
  apiKey: "ck_secret",
  purpose: "research",
};

/** The policy document that a resource was given. */
export const readPolicy = ({ inputs }: Recorded, key = "policy") => JSON.parse(String(inputs[key])) as PolicyDocument;

/** Whether a policy without conditions allows an action on a resource: a `*` at the end matches anything. */
export function allows({ Statement }: PolicyDocument, action: string, resource: string): boolean {
  const matches = (pattern: string) =>
    pattern.endsWith("*") ? resource.startsWith(pattern.slice(0, -1)) : resource === pattern;
  return Statement.some(
    (statement) =>
      statement.Effect === "Allow" && statement.Action.includes(action) && (statement.Resource ?? []).some(matches),
  );
}
