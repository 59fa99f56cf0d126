/** The environments of wrangler.toml. A Pulumi stack has the name of the environment that it serves. */

/** All environments on an account. */
export const ENVIRONMENTS = ["dev", "staging", "production"] as const;

/** One environment. */
export type Environment = (typeof ENVIRONMENTS)[number];

/** Inputs of jobs lie under this prefix, outputs under the other: rights, lifecycle and events are cut by them. */
export const PREFIXES = { inputs: "in/", outputs: "out/" } as const;

/** Uploads that were never completed are removed after this many days; no job lives longer. */
export const ABORT_UPLOADS_AFTER_DAYS = 7;

/**
 * The environment of a stack.
 * @throws Error when wrangler.toml has no environment of this name
 */
export function parseEnvironment(stack: string): Environment {
  const environment = ENVIRONMENTS.find((name) => name === stack);
  if (environment === undefined) throw new Error(`The stack ${stack} is none of ${ENVIRONMENTS.join(", ")}.`);
  return environment;
}
