/** `errors.jsonl`: what failed, was skipped or was left behind, itself a manifest that can be submitted again. */

import type { ScoreRecord } from "../records/records.ts";
import type { InputItem } from "../records/input-item.ts";
import { formatGroups } from "../records/record-line.ts";

/**
 * Whether a record belongs into `errors.jsonl`: also what expired, and `withCanceled` what was left behind by a job that failed. What
 * somebody canceled was meant to be left out.
 */
export function isErrorRecord({ status }: ScoreRecord, withCanceled: boolean): boolean {
  if (status === "cancelled") return withCanceled;
  return status === "failed" || status === "skipped" || status === "expired";
}

/**
 * One line without its newline: the manifest fields `key, id, etag?, versionId?, range?, page?, label?, groups?`, and `status` and
 * `error`, which manifests ignore. Only a range keeps its etag, since its place is valid only in that version: the next run
 * takes a whole object as it then is, repaired or restored.
 * @param item the input as the job froze it, for what records do not hold (version, byte range); its id wins
 */
export function serializeErrorLine(record: ScoreRecord, item: InputItem | null = null): string {
  const etag = item?.range === undefined ? null : (item.etag ?? record.etag);
  const groups = item?.groups ?? record.groups;
  const label = item?.label ?? record.truth;
  const fields = [`"key":${JSON.stringify(record.key)}`, `"id":${JSON.stringify(item?.id ?? record.id)}`];
  if (etag !== null) fields.push(`"etag":${JSON.stringify(etag)}`);
  if (item?.versionId !== undefined) fields.push(`"versionId":${JSON.stringify(item.versionId)}`);
  if (item?.range !== undefined) {
    fields.push(`"range":{"offset":${item.range.offset},"length":${item.range.length}}`);
  }
  if (item?.page !== undefined) fields.push(`"page":${JSON.stringify(item.page)}`);
  if (label !== null) fields.push(`"label":${JSON.stringify(label)}`);
  if (Object.keys(groups).length > 0) fields.push(`"groups":${formatGroups(groups)}`);
  fields.push(`"status":${JSON.stringify(record.status)}`);
  if (record.error !== null) {
    fields.push(
      `"error":{"code":${JSON.stringify(record.error.code)},"message":${JSON.stringify(record.error.message)}}`,
    );
  }
  return `{${fields.join(",")}}`;
}

/**
 * The lines of these records that belong there, each with its newline.
 * @param findItem the frozen input of a record
 * @param withCanceled see {@link isErrorRecord}
 */
export function formatErrorLines(
  records: readonly ScoreRecord[],
  findItem: (record: ScoreRecord) => InputItem | null,
  withCanceled: boolean,
): string {
  return records
    .filter((record) => isErrorRecord(record, withCanceled))
    .map((record) => `${serializeErrorLine(record, findItem(record))}\n`)
    .join("");
}
