/**
 * The pictures of a tar shard as inputs, each the byte range of its member. WebDataset's rule makes samples: consecutive members
 * with the same path up to the first dot of the file name (webdataset documentation, "The WebDataset Format"). A sample's
 * `.cls` (text) or `.json` (`label`, `truth` or `cls`, `groups`) labels its pictures.
 */

import { ScoringError } from "../../errors.ts";
import { isPictureName } from "../../image/image-formats.ts";
import type { Label } from "../../model/labels.ts";
import type { ObjectStore } from "../../storage/object-store.ts";
import type { PlanLimits } from "./input-page.ts";
import type { PageBuilder } from "./page-builder.ts";
import { makeId, parseEntry, parseLabel } from "./parse-entry.ts";
import type { ContainerPosition } from "./plan-cursor.ts";
import { createRangeReader, type RangeReader } from "../inputs/range-reader.ts";
import { readTarMember, TAR_BLOCK, type TarMember } from "./tar-header.ts";

interface Sample {
  readonly images: readonly TarMember[];
  readonly label: Label | null;
  readonly groups: Readonly<Record<string, string>>;
  readonly problems: readonly string[];
  readonly nextOffset: number;
}

/**
 * Adds the pictures from `position` to the page: id `<shard's id>/<member's path>`. Returns where the next page goes on, or null
 * at the end. A broken header ends the shard with an issue: nothing after it can be found.
 */
export async function readTarItems(
  store: ObjectStore,
  position: ContainerPosition,
  page: PageBuilder,
  limits: PlanLimits,
): Promise<ContainerPosition | null> {
  const { entry } = position;
  const reader = createRangeReader(store, entry, limits.windowBytes, () => {
    page.readsLeft -= 1;
  });
  let state = position;
  try {
    while (page.roomLeft() > 0 && page.readsLeft > 0) {
      const sample = await readSample(reader, entry.size, state.offset, limits);
      if (sample === null) return null;
      if (state.count === 0) {
        for (const message of sample.problems) page.addIssue({ path: entry.key, code: "label_unknown", message });
      }
      const end = Math.min(sample.images.length, state.count + page.roomLeft());
      for (const image of sample.images.slice(state.count, end)) addImage(image, sample);
      state = end < sample.images.length ? { ...state, count: end } : { ...state, offset: sample.nextOffset, count: 0 };
    }
    return state;
  } catch (error) {
    if (!(error instanceof ScoringError) || error.disposition !== "item") throw error;
    page.addIssue({ path: entry.key, code: error.code, message: error.detail });
    return null;
  }

  function addImage(image: TarMember, sample: Sample): void {
    // For a sparse member the header is read, which the decoder refuses by name: the record says so, and the shard continues.
    const range =
      image.kind === "sparse"
        ? { offset: image.headerOffset, length: TAR_BLOCK }
        : { offset: image.dataOffset, length: image.size };
    const label = sample.label ?? entry.label;
    const groups = { ...entry.groups, ...sample.groups };
    page.addItem({
      id: `${entry.id}/${makeId(image.name)}`,
      key: entry.key,
      size: range.length,
      etag: entry.etag,
      ...(entry.versionId === undefined ? {} : { versionId: entry.versionId }),
      range,
      ...(label === undefined ? {} : { label }),
      ...(Object.keys(groups).length === 0 ? {} : { groups }),
    });
  }
}

/** The sample whose first member is at `offset`; null at the end. It is read again, not kept, when a page ends within it. */
async function readSample(
  reader: RangeReader,
  archiveBytes: number,
  offset: number,
  limits: PlanLimits,
): Promise<Sample | null> {
  const images: TarMember[] = [];
  const problems: string[] = [];
  let label: Label | null = null;
  let groups: Readonly<Record<string, string>> = {};
  let name: string | null = null;
  let at = offset;
  for (let members = 0; members < limits.maxSampleMembers; members++) {
    const member = await readTarMember(reader, archiveBytes, at, limits.maxLabelBytes);
    if (member === null) break;
    const sampleName = getSampleName(member.name);
    if (name !== null && sampleName !== name) break;
    name = sampleName;
    at = member.nextOffset;
    if (member.kind === "other" || isHidden(member.name)) continue;
    if (isPictureName(member.name)) images.push(member);
    else if (member.kind === "file" && /\.(cls|json)$/i.test(member.name)) {
      const read = await readLabels(reader, member, limits);
      label = read.label ?? label;
      groups = { ...groups, ...read.groups };
      if (read.problem !== null) problems.push(read.problem);
    }
  }
  return name === null ? null : { images, label, groups, problems, nextOffset: at };
}

/** Path and file name up to its first dot. */
function getSampleName(path: string): string {
  const slash = path.lastIndexOf("/");
  const dot = path.indexOf(".", slash + 1);
  return dot === -1 ? path : path.slice(0, dot);
}

/** macOS writes `._name.jpg` beside each file: metadata, not a picture. */
function isHidden(path: string): boolean {
  return path.slice(path.lastIndexOf("/") + 1).startsWith(".");
}

interface SampleLabels {
  readonly label: Label | null;
  readonly groups: Readonly<Record<string, string>>;
  readonly problem: string | null;
}

async function readLabels(reader: RangeReader, member: TarMember, limits: PlanLimits): Promise<SampleLabels> {
  const none = { label: null, groups: {}, problem: null };
  if (member.size === 0 || member.size > limits.maxLabelBytes) return none;
  const text = new TextDecoder().decode(await reader.read(member.dataOffset, member.size));
  if (/\.cls$/i.test(member.name)) {
    const label = parseLabel(text, limits.labels);
    return { ...none, label, problem: label === null ? `${makeId(member.name)} is not a label` : null };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ...none, problem: `${makeId(member.name)} is not JSON` };
  }
  // Other datasets keep captions or boxes here: only the fields that mean a label are read.
  if (typeof value !== "object" || value === null) return none;
  const label = "label" in value ? value.label : "cls" in value ? value.cls : undefined;
  const truth = "truth" in value ? value.truth : undefined;
  const groups = "groups" in value ? value.groups : undefined;
  const parsed = parseEntry(
    { key: member.name, id: "sample", label, truth, groups },
    { path: member.name },
    { maxGroups: limits.maxGroups, labels: limits.labels, versions: false },
  );
  if (parsed.kind === "invalid") {
    return { ...none, problem: parsed.issues.map((issue) => `${makeId(issue.path)}: ${issue.message}`).join(" ") };
  }
  return { label: parsed.entry.label ?? null, groups: parsed.entry.groups ?? {}, problem: null };
}
