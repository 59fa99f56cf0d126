/** What the API's document says about open jobs. */

/** By `METHOD /path`. */
export const OPEN_OPERATIONS = {
  "POST /v1/jobs/{id}/inputs": {
    operationId: "addInputs",
    tag: "jobs",
    description:
      "For jobs with `input.open`. The same key with the same etag is one input, however often it is sent, so a request that failed can be sent again. What comes in is scored within half a minute.",
  },
  "POST /v1/schedules/{id}/inputs": {
    operationId: "feedSchedule",
    tag: "schedules",
    description:
      "For schedules whose manifest has `input.open`: each due time opens a run and seals those before. As for an open job, the same key with the same etag is one input of a run.",
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
  "POST /v1/schedules/{id}/inputs": {
    response: { jobId: "01a22652-c891-77b6-bb13-cf62a80ae3d6", added: 2, known: 0, received: 12 },
  },
} as const;
