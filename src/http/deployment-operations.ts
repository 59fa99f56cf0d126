/** What operations.ts says, for the operations of people who run a deployment. */

/** By `METHOD /path`. */
export const DEPLOYMENT_OPERATIONS = {
  "GET /healthz": {
    operationId: "getHealth",
    tag: "operations",
    description: "Needs no key and touches no store: for a load balancer.",
  },
  "GET /readyz": {
    operationId: "getReadiness",
    tag: "operations",
    description: "Each check by name. 503 with the same body if one is not ready.",
  },
  "GET /metrics": {
    operationId: "getMetrics",
    tag: "operations",
    description:
      "Jobs that have not ended, the queue's backlog, dead letters, parts that do not answer; on a server of one's own and in local development also counters of the process. Labels never hold a key, an object, a job or a name.",
  },
  "GET /v1/dead-letters": {
    operationId: "listDeadLetters",
    tag: "operations",
    description:
      "A piece of work that consumers failed at again and again: a chunk, or a step of a job. It stands here until its job has ended. The job's coordinator finds lost work by itself.",
  },
  "POST /v1/dead-letters/{letter}/send": {
    operationId: "sendDeadLetter",
    tag: "operations",
    description: "Puts the work on its way at once. Work that was done in the meantime is not done again.",
  },
} as const;
