/** The planning step that makes chunks of what ranges have listed, in input order. */

import { addOperations, meterStore } from "../../storage/metered-store.ts";
import type { ChunkRow } from "../job/chunk-row.ts";
import type { PlanReport, PlanTicket } from "../job/coordinator-port.ts";
import type { Limits } from "../limits.ts";
import {
  formatScanCursor,
  parseScanCursor,
  placeChunks,
  placeIssues,
  placeRest,
  type ScanCursor,
} from "../plan/range-listing.ts";
import { mapAhead } from "../finalize/map-ahead.ts";
import { listPages } from "./list-pages.ts";
import { readListing } from "./scan-step.ts";
import type { WorkDeps } from "./work-deps.ts";

type ScanTicket = PlanTicket & Required<Pick<PlanTicket, "scan">>;

/** Listings that are read at once, one of them being taken. */
const AHEAD = 5;

/** Takes the next ranges; of one that was too long to be listed as a whole, plans a few pages of the rest. */
export async function takeRanges(deps: WorkDeps, ticket: ScanTicket): Promise<PlanReport> {
  const at = parseScanCursor(ticket.cursor);
  return at.rest === null ? takeListed(deps, ticket, at) : planRest(deps, ticket, at, at.rest);
}

async function takeListed(deps: WorkDeps, ticket: ScanTicket, at: ScanCursor): Promise<PlanReport> {
  const { spec, step, attempt, scan } = ticket;
  const { limits } = deps;
  const output = meterStore(deps.openStore(spec.manifest.output.store));
  const chunks: ChunkRow[] = [];
  const pageKeys: string[] = [];
  const issues = [];
  let { endLine } = at;
  let rest: string | null = null;
  let lines = 0;
  let [items, bytes, reads, count] = [0, 0, 0, 0];
  const partitions = new Set<string>();
  let listedBy = { reads: 0, writes: 0 };
  const listings = mapAhead(scan.ready, AHEAD, ({ checkpoint }) => readListing(output, checkpoint ?? "", limits));
  for await (const listing of listings) {
    if (count > 0 && chunks.length + listing.chunks.length > limits.scan.chunksPerStep) break;
    const base = ticket.firstIndex + items;
    // Its first line, number 1, is the rest of one that belongs to the range before.
    lines = endLine === null ? 0 : endLine - 2;
    endLine = listing.endLine === undefined ? endLine : listing.endLine + lines;
    chunks.push(...placeChunks(listing, base));
    pageKeys.push(...listing.pages);
    issues.push(...placeIssues(listing.issues, lines));
    for (const folder of listing.partitions ?? []) partitions.add(folder);
    items += listing.items;
    bytes += listing.bytes;
    reads += listing.reads;
    listedBy = addOperations(listedBy, listing.operations);
    count += 1;
    rest = placeRest(listing, base);
    if (rest !== null || issues.length >= limits.maxIssues) break;
  }
  const cursor = closeStep(ticket, { rest, endLine, lines }, count, issues.length, limits);
  const operations = addOperations(listedBy, output.operations());
  const scanned = { kind: "taken", count, rest: rest !== null } as const;
  const listed = { items, bytes, reads, operations, pageKeys, chunks, issues, partitions: [...partitions] };
  return { step, attempt, cursor, ...listed, scan: scanned };
}

async function planRest(deps: WorkDeps, ticket: ScanTicket, at: ScanCursor, from: string): Promise<PlanReport> {
  const { step, attempt } = ticket;
  const { cursor: rest, endLine: end, issues: found, ...listed } = await listPages(deps, ticket, from, null);
  const issues = placeIssues(found, at.lines);
  const endLine = end === null ? at.endLine : end + at.lines;
  const cursor = closeStep(ticket, { ...at, rest, endLine }, 0, issues.length, deps.limits);
  return { step, attempt, ...listed, cursor, issues, scan: { kind: "taken", count: 0, rest: rest !== null } };
}

/** The cursor after a step; `null` if nothing is left, or no more can be told of what is wrong. */
function closeStep(
  { scan }: ScanTicket,
  next: ScanCursor,
  count: number,
  issues: number,
  { maxIssues }: Pick<Limits, "maxIssues">,
): string | null {
  const isLast = next.rest === null && scan.taken + count === scan.total;
  return isLast || issues >= maxIssues ? null : formatScanCursor(next);
}
