import type { ImageDecoder } from "../../image/image-types.ts";
import type { Classifier } from "../../model/classifier.ts";
import type { FaceFinder } from "../../model/face-finder.ts";

/** Everything that scores, for one job's model and options. */
export interface Scorer {
  readonly decoder: ImageDecoder;
  readonly finder: FaceFinder | null;
  readonly classifier: Classifier;
}

/** What a job asks of a scorer. */
export interface ScorerOptions {
  readonly model: string;
  /** What `hashScoring` of its card must be; absent: whatever it is. */
  readonly modelForm?: string;
  readonly tta: "none" | "flip";
  readonly findsFaces: boolean;
}

/** Runs `body` while nothing else scores; `open` gives the scorer of a job. See WorkDeps.withScorer. */
export type LendScorer = <T>(body: (open: (options: ScorerOptions) => Promise<Scorer>) => Promise<T>) => Promise<T>;
