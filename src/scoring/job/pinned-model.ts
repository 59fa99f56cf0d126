/** What a job keeps of its model's card: whoever changes the card later changes neither its scores nor its report. */

import type { ModelCard } from "../../model/card.ts";
import { countFaceWork } from "../../model/face-cost.ts";
import { hashScoring } from "../../model/model.ts";
import { hashCard, pickReported } from "../../model/reported-card.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { JobSpec } from "./job-spec.ts";

/** The part of a spec that says what the model was when the job was accepted. */
export async function pinModel(
  card: ModelCard,
  { pipeline, tta }: Pick<Manifest, "pipeline" | "tta">,
): Promise<Pick<JobSpec, "modelSha256" | "modelForm" | "pipeline" | "faceWork" | "card">> {
  return {
    modelSha256: card.sha256,
    modelForm: await hashScoring(card),
    pipeline: pipeline ?? card.pipeline,
    faceWork: countFaceWork(card),
    card: { hash: await hashCard(card), reported: pickReported(card, tta) },
  };
}
