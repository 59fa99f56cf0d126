/** One webhook for all that a look found, with a text that can be mailed as it is; and when sending it is tried again. */

import { NOTICE_DELAYS_SECONDS } from "../job/notice.ts";
import type { ScheduleRecord } from "./schedule.ts";
import type { AlertNotice, LookState, ScheduleAlert } from "./schedule-look.ts";

/** An e-mail as text. */
export interface AlertMail {
  /** One line. */
  readonly subject: string;
  readonly text: string;
}

/** Longest subject: mail programs show no more. */
const MAX_SUBJECT = 120;

const formatMinute = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** Names and messages come from people: no line of a mail's head may end in one. */
// oxlint-disable-next-line no-control-regex -- these characters are what it is about
const flatten = (text: string): string => text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ").trim();

/** What to write to people. @param alerts at least one */
export function writeAlertMail(
  { id, name }: Pick<ScheduleRecord, "id" | "name">,
  alerts: readonly ScheduleAlert[],
): AlertMail {
  const [first] = alerts;
  const more = alerts.length > 1 ? ` (and ${alerts.length - 1} more)` : "";
  const subject = flatten(`${name}: ${first === undefined ? "" : first.text}`);
  const room = MAX_SUBJECT - more.length;
  const runs = new Map<number, ScheduleAlert[]>();
  for (const alert of alerts) runs.set(alert.dueMs, [...(runs.get(alert.dueMs) ?? []), alert]);
  const paragraphs = [...runs].map(([dueMs, own]) => {
    const jobs = new Set(own.flatMap(({ jobId }) => (jobId === null ? [] : [`Job ${jobId}`])));
    return [
      `Run of ${formatMinute(dueMs)}`,
      ...own.map((alert) => `- ${alert.subject}: ${flatten(alert.text)}`),
      ...jobs,
    ].join("\n");
  });
  return {
    subject: `${subject.length > room ? `${subject.slice(0, room - 1)}…` : subject}${more}`,
    text: [`Schedule ${flatten(name)}`, ...paragraphs, `What is known now: countenance schedule check ${id}`, ""].join(
      "\n\n",
    ),
  };
}

/** JSON text with `type`, `timestamp` and `data`, as Standard Webhooks recommends. */
export function makeAlertPayload(
  schedule: Pick<ScheduleRecord, "id" | "name">,
  alerts: readonly ScheduleAlert[],
  nowMs: number,
): string {
  const { id, name } = schedule;
  return JSON.stringify({
    type: "schedule.alert",
    timestamp: new Date(nowMs).toISOString(),
    data: {
      schedule: { id, name },
      alerts: alerts.map(({ dueMs, ...alert }) => ({ ...alert, dueAt: new Date(dueMs).toISOString() })),
      email: writeAlertMail(schedule, alerts),
    },
  });
}

/** The state with one more webhook to send. */
export function queueNotice(
  state: LookState,
  schedule: Pick<ScheduleRecord, "id" | "name">,
  notice: { readonly url: string; readonly alerts: readonly ScheduleAlert[]; readonly nowMs: number },
): LookState {
  const { url, alerts, nowMs } = notice;
  const sent = state.sent + 1;
  const made: AlertNotice = {
    id: `${schedule.id}.${sent}`,
    url,
    payload: makeAlertPayload(schedule, alerts, nowMs),
    attempt: 0,
    dueMs: nowMs,
  };
  return { ...state, sent, notices: [...state.notices, made] };
}

/** The state after an attempt: sent, to be tried again later, or given up after half a day. */
export function settleNotice(state: LookState, id: string, isSent: boolean, nowMs: number): LookState {
  const notice = state.notices.find((one) => one.id === id);
  if (notice === undefined) return state;
  const others = state.notices.filter((one) => one !== notice);
  if (isSent) return { ...state, notices: others };
  const delaySeconds = NOTICE_DELAYS_SECONDS[notice.attempt];
  if (delaySeconds === undefined) return { ...state, notices: others, givenUp: state.givenUp + 1 };
  const later = { ...notice, attempt: notice.attempt + 1, dueMs: nowMs + delaySeconds * 1000 };
  return { ...state, notices: state.notices.map((one) => (one === notice ? later : one)) };
}
