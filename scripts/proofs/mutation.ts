/** A promise and one way to break it. */

/** One promise. */
export interface Mutation {
  /** Heading in docs/proofs.md. */
  readonly part:
    | "Inputs and stores"
    | "The job machine"
    | "Open jobs"
    | "Outputs"
    | "News and nights"
    | "Limits of the platform"
    | "Trouble"
    | "Hostile bytes"
    | "Pictures by optional packages"
    | "Requests and ends"
    | "Money, metrics and dead letters"
    | "Models of strangers";
  /** What is promised, a phrase. */
  readonly promise: string;
  readonly project: "node" | "workerd" | "browser" | "e2e";
  /** The test's file, and words of its name. */
  readonly test: string;
  readonly name: string;
  /** Breaks the promise: in `file`, the first `from` becomes `to`. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The project of most tests. */
export const node = { project: "node" } as const;

/** The project of tests inside workerd. */
export const workerd = { project: "workerd" } as const;

/** Puts promises under one heading of docs/proofs.md. */
export function inPart(part: Mutation["part"], list: readonly Omit<Mutation, "part">[]): readonly Mutation[] {
  return list.map((one) => ({ part, ...one }));
}
