/**
 * Models inside the Worker's bundle: weights are `Data` modules (the rule for `*.safetensors` in wrangler.toml), so a
 * cold start reads no store.
 */

import deepEmotion1Card from "../../models/deep-emotion@1/card.json" with { type: "json" };
import deepEmotion1Weights from "../../models/deep-emotion@1/weights.safetensors";
import deepEmotion2Card from "../../models/deep-emotion@2/card.json" with { type: "json" };
import deepEmotion2Weights from "../../models/deep-emotion@2/weights.safetensors";
import deepEmotion3Card from "../../models/deep-emotion@3/card.json" with { type: "json" };
import deepEmotion3Weights from "../../models/deep-emotion@3/weights.safetensors";
import deepEmotion4Card from "../../models/deep-emotion@4/card.json" with { type: "json" };
import deepEmotion4Weights from "../../models/deep-emotion@4/weights.safetensors";
import deepEmotionWide2Card from "../../models/deep-emotion-wide@2/card.json" with { type: "json" };
import deepEmotionWide2Weights from "../../models/deep-emotion-wide@2/weights.safetensors";
import hogSvm1Card from "../../models/hog-svm@1/card.json" with { type: "json" };
import hogSvm1Weights from "../../models/hog-svm@1/weights.safetensors";
import plainNet2Card from "../../models/plain-net@2/card.json" with { type: "json" };
import plainNet2Weights from "../../models/plain-net@2/weights.safetensors";
import type { ModelSource } from "../model/model.ts";
import { createBundledSource } from "../model/registry.ts";

/** A source for every bundled model. Adding a model to `models/` means adding it here (a test compares both). */
export function listBundledModels(): ModelSource[] {
  return [
    createBundledSource("deep-emotion@1", deepEmotion1Card, deepEmotion1Weights),
    createBundledSource("deep-emotion@2", deepEmotion2Card, deepEmotion2Weights),
    createBundledSource("deep-emotion@3", deepEmotion3Card, deepEmotion3Weights),
    createBundledSource("deep-emotion@4", deepEmotion4Card, deepEmotion4Weights),
    createBundledSource("deep-emotion-wide@2", deepEmotionWide2Card, deepEmotionWide2Weights),
    createBundledSource("hog-svm@1", hogSvm1Card, hogSvm1Weights),
    createBundledSource("plain-net@2", plainNet2Card, plainNet2Weights),
  ];
}
