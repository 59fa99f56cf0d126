/** Markup of the report's renderer inside of a page. */

import { type ReactNode, useMemo } from "react";
import { LABELS } from "../../src/model/labels.ts";
import type { SafeHtml } from "../../src/scoring/report/html-text.ts";
import { renderShareBars, renderShareKey } from "../../src/scoring/report/report-charts.ts";
import { formatCount } from "../../src/scoring/report/report-format.ts";
import { computeWilson } from "../../src/scoring/statistics/intervals.ts";

/** What the renderer made: it escapes everything that came from outside. */
export function Markup({ of }: { readonly of: SafeHtml }): ReactNode {
  const text = of.toString();
  const inner = useMemo(() => ({ __html: text }), [text]);
  // oxlint-disable-next-line react/no-danger -- SafeHtml has no other source than the escaping template
  return <div dangerouslySetInnerHTML={inner} />;
}

/** Counts of labels, by default of those of the shipped models, as shares with Wilson's intervals. */
export function ShareChart(props: {
  readonly name: string;
  readonly counts: readonly number[];
  readonly labels?: readonly string[];
  readonly link?: (label: string) => string;
}): ReactNode {
  const { name, counts, labels = LABELS, link } = props;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const bars = labels.map((label, index) => ({
    label,
    share: computeWilson(counts[index] ?? 0, total),
    link: (counts[index] ?? 0) > 0 && link !== undefined ? link(label) : null,
    cells: [formatCount(counts[index] ?? 0)],
  }));
  return (
    <>
      <Markup of={renderShareBars(name, bars, ["Faces"])} />
      <Markup of={renderShareKey("Share of the faces so far, with its 95 % interval", null)} />
    </>
  );
}
