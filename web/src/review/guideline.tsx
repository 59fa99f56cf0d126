/** What readers are told before they read. */

import type { ReactNode } from "react";
import { LABELS, type Label } from "../../../src/model/labels.ts";

const WORDS: Readonly<Record<Label, string>> = {
  Angry: "brows drawn down and together, hard stare, lips pressed or teeth bared",
  Disgust: "wrinkled nose, raised upper lip, as if at a bad smell",
  Fear: "brows raised and drawn together, wide eyes, mouth stretched back",
  Happy: "corners of the mouth up, often with raised cheeks and narrowed eyes",
  Sad: "inner brows up, corners of the mouth down, eyes cast down",
  Surprise: "raised brows, wide eyes, jaw dropped",
  Neutral: "a face at rest, none of the others",
};

/** The guideline, to be opened and closed. */
export function Guideline({ labels = LABELS }: { readonly labels?: readonly Label[] }): ReactNode {
  return (
    <details className="guideline">
      <summary>How to label</summary>
      <p>
        Say what the face looks like at first sight, not what the person may feel or why. Take the label that fits best,
        though it may be weak. Choose “cannot say” where no face can be seen, where it is hidden or too blurred, or
        where two labels fit equally well.
      </p>
      <dl>
        {labels
          .filter((label) => WORDS[label] !== undefined)
          .map((label) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{WORDS[label]}</dd>
            </div>
          ))}
      </dl>
    </details>
  );
}
