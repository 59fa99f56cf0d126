/** What operation-examples.ts gives, for the operations of people who run a deployment. */

const JOB_ID = "01a22652-c891-77b6-bb13-cf62a80ae3d6";
/** Id of a dead letter. */
export const LETTER_ID = `${JOB_ID}.score.000000000`;

const LETTER = {
  id: LETTER_ID,
  jobId: JOB_ID,
  work: "score",
  part: "000000000",
  status: "dead",
  deaths: 1,
  firstAt: "2026-11-29T07:10:00.000Z",
  lastAt: "2026-11-29T07:10:00.000Z",
  sentAt: null,
};

/** By `METHOD /path`. */
export const DEPLOYMENT_EXAMPLES = {
  "GET /healthz": {
    response: { ok: true, version: "1.2.3" },
  },
  "GET /readyz": {
    response: {
      ready: true,
      checks: [{ name: "store:faces", ready: true }],
      queue: { backlog: 12, oldestSeconds: 3 },
      jurisdiction: "eu",
    },
  },
  "GET /v1/dead-letters": {
    response: { deadLetters: [LETTER], total: 1 },
  },
  "POST /v1/dead-letters/{letter}/send": {
    response: { ...LETTER, status: "sent", sentAt: "2026-11-29T07:20:00.000Z" },
  },
} as const;
