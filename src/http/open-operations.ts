/** What the API's document says about open jobs. */

/** By `METHOD /path`. */
export const OPEN_OPERATIONS = {
  "POST /v1/jobs/{id}/inputs": {
    operationId: "addInputs",
    tag: "jobs",
    description:
      "For jobs with `input.open`. The same key with the same etag is one input, however often it is sent, so a request that failed can be sent again. What comes in is scored within half a minute.",
  },
  "POST /v1/jobs/{id}/seal": {
    operationId: "sealJob",
    tag: "jobs",
    description:
      "For open jobs: what has come in is scored, then the job ends like any other. Sealing it again changes nothing. A job that nobody seals within `limits.openSeconds` expires, and keeps what is done.",
  },
} as const;

/** Examples of them. */
export const OPEN_EXAMPLES = {
  "POST /v1/jobs/{id}/inputs": {
    response: { added: 2, known: 0, received: 12 },
  },
} as const;
