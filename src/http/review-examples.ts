/** Examples of the operations of reviews in the API's document; see operation-examples.ts. */

const SHARE = { value: 0.42, low: 0.36, high: 0.48 };
const PLAN = { size: 240, halfWidth: 0.05, population: 12_000, strata: 14 };

/** By `METHOD /path`. */
export const REVIEW_EXAMPLES = {
  "POST /v1/jobs/{id}/reviews": { request: { halfWidth: 0.05, by: "site", readers: ["anna"] }, response: PLAN },
  "GET /v1/jobs/{id}/reviews": {
    response: {
      createdAt: "2026-11-29T08:00:00.000Z",
      seed: 1,
      by: null,
      newOnly: false,
      readers: ["anna"],
      figures: {
        drawn: 240,
        seen: 120,
        answered: 118,
        missing: 0,
        readers: [{ reader: "anna", answered: 118, cannotSay: 2 }],
        cannotSay: { value: 0.02, low: 0, high: 0.05 },
        total: {
          faces: 12_000,
          answered: 118,
          labels: [
            {
              label: "Happy",
              model: 0.45,
              corrected: { value: 0.4, low: 0.36, high: 0.44 },
              review: { value: 0.41, low: 0.33, high: 0.5 },
              powered: SHARE,
              lambda: 0.8,
              precision: { value: 0.9, low: 0.82, high: 0.95 },
              recall: null,
            },
          ],
          accuracy: { value: 0.71, low: 0.64, high: 0.77 },
          meanConfidence: 0.66,
        },
        groups: [],
        agreement: null,
        fit: null,
        fairness: null,
      },
    },
  },
  "GET /v1/jobs/{id}/reviews/faces": {
    response: {
      labels: ["Angry", "Disgust", "Fear", "Happy", "Sad", "Surprise", "Neutral"],
      faces: [{ at: 0, box: { x: 10, y: 12, width: 80, height: 80 }, answer: "Happy" }],
    },
  },
  "POST /v1/jobs/{id}/reviews/answers": {
    request: { reader: "anna", answers: [{ at: 0, label: "Happy", seconds: 2.4 }] },
  },
} as const;
