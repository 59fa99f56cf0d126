/** The directory as callers outside its Durable Object reach it. */

import type { DirectoryBase } from "./directory-object.ts";
import type { WholeDirectory } from "./directory-rows.ts";

/** The directory that all jobs share. A stub belongs to the request that made it, so each call makes its own. */
export function openDirectory(objects: DurableObjectNamespace<DirectoryBase>): WholeDirectory {
  const stub = () => objects.getByName("all");
  return {
    reserve: (request) => stub().reserve(request),
    confirm: (jobId) => stub().confirm(jobId),
    withdraw: (...args) => stub().withdraw(...args),
    charge: (spent) => stub().charge(spent),
    rank: (standing) => stub().rank(standing),
    update: (view) => stub().update(view),
    list: (options) => stub().list(options),
    remove: (jobId) => stub().remove(jobId),
    takeOpenJob: () => stub().takeOpenJob(),
    takeRetainedJob: (nowMs) => stub().takeRetainedJob(nowMs),
    release: (jobIds) => stub().release(jobIds),
    chargeImages: (charge) => stub().chargeImages(charge),
    writeKey: (record) => stub().writeKey(record),
    readKey: (id) => stub().readKey(id),
    listKeys: () => stub().listKeys(),
    endSession: (...args) => stub().endSession(...args),
    isSessionEnded: (id) => stub().isSessionEnded(id),
    removeKey: (id) => stub().removeKey(id),
    readTotals: () => stub().readTotals(),
    noteDeadLetter: (...args) => stub().noteDeadLetter(...args),
    listDeadLetters: (...args) => stub().listDeadLetters(...args),
    readDeadLetter: (...args) => stub().readDeadLetter(...args),
    markDeadLetterSent: (...args) => stub().markDeadLetterSent(...args),
    addSchedule: (record, nextDueMs, maxPerOwner) => stub().addSchedule(record, nextDueMs, maxPerOwner),
    replaceSchedule: (record, nextDueMs) => stub().replaceSchedule(record, nextDueMs),
    readSchedule: (id) => stub().readSchedule(id),
    listFeeds: (store) => stub().listFeeds(store),
    listSchedules: (options) => stub().listSchedules(options),
    takeDueSchedule: (nowMs) => stub().takeDueSchedule(nowMs),
    settleSchedule: (id, revision, settledMs, nextDueMs) => stub().settleSchedule(id, revision, settledMs, nextDueMs),
    removeSchedule: (id) => stub().removeSchedule(id),
    writeScheduleRun: (run, keep) => stub().writeScheduleRun(run, keep),
    listScheduleRuns: (id, limit) => stub().listScheduleRuns(id, limit),
    wantScheduleLook: (...args) => stub().wantScheduleLook(...args),
    takeScheduleLook: (...args) => stub().takeScheduleLook(...args),
    writeScheduleLook: (...args) => stub().writeScheduleLook(...args),
    readScheduleLook: (...args) => stub().readScheduleLook(...args),
  };
}
