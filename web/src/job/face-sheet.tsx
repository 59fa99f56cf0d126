/** The faces of a job as a sheet of cards, of which only those in view exist. */

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { PlacedRecord } from "../../../src/client/label-reader.ts";
import { LABELS } from "../../../src/model/labels.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { OUTCOME_WORDS } from "../words.ts";
import { RecordPicture } from "./record-picture.tsx";

const CARD_WIDTH = 210;

const CARD_HEIGHT = 286;

const GAP = 12;

/** Cards in a grid that grows downwards; `open` shows one of them large. */
export function Sheet(props: {
  readonly id: string;
  readonly records: readonly PlacedRecord[];
  readonly open: (index: number) => void;
}): ReactNode {
  const holder = useRef<HTMLDivElement>(null);
  const [layout, setLayout] = useState({ columns: 1, top: 0 });
  useEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const measure = (): void => {
      const columns = Math.max(2, Math.floor((element.clientWidth + GAP) / (CARD_WIDTH + GAP)));
      setLayout({ columns, top: element.getBoundingClientRect().top + window.scrollY });
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  const rows = Math.ceil(props.records.length / layout.columns);
  const virtualizer = useWindowVirtualizer({
    count: rows,
    estimateSize: () => CARD_HEIGHT + GAP,
    overscan: 3,
    scrollMargin: layout.top,
  });
  return (
    <div
      ref={holder}
      className="sheet"
      style={{ height: virtualizer.getTotalSize() }}
      role="list"
      aria-label="Pictures"
    >
      {virtualizer.getVirtualItems().flatMap((row) =>
        Array.from({ length: layout.columns }, (_, column) => {
          const index = row.index * layout.columns + column;
          const placed = props.records[index];
          if (placed === undefined) return null;
          return (
            <div
              // Two inputs of a list may have one id.
              key={placed.offset}
              role="listitem"
              aria-setsize={props.records.length}
              aria-posinset={index + 1}
              className="cell"
              style={{
                transform: `translateY(${row.start - virtualizer.options.scrollMargin}px)`,
                left: `calc((100% + ${GAP}px) / ${layout.columns} * ${column})`,
                width: `calc((100% + ${GAP}px) / ${layout.columns} - ${GAP}px)`,
                height: CARD_HEIGHT,
              }}
            >
              <FaceCard id={props.id} placed={placed} open={() => props.open(index)} />
            </div>
          );
        }),
      )}
    </div>
  );
}

function FaceCard(props: { readonly id: string; readonly placed: PlacedRecord; readonly open: () => void }): ReactNode {
  const { record } = props.placed;
  return (
    <button type="button" className="face" onClick={props.open}>
      <RecordPicture id={props.id} placed={props.placed} alt="" lazy />
      <span className="face-title">
        <b className={record.label === null ? "bad" : ""}>{record.label ?? OUTCOME_WORDS[record.status]}</b>
        {record.probabilities !== null && <span>{formatPercent(Math.max(...record.probabilities), 0)}</span>}
      </span>
      {record.probabilities !== null && (
        <span className="mini" aria-hidden="true">
          {record.probabilities.map((chance, index) => (
            <span
              key={LABELS[index]}
              className={LABELS[index] === record.label ? "top" : ""}
              style={{ height: `${Math.max(4, 100 * chance)}%` }}
            />
          ))}
        </span>
      )}
      <span className="face-name">
        {record.error === null ? record.id.split("/").at(-1) : describeReason(record.error.code)}
        {record.truth !== null && ` · true: ${record.truth}`}
      </span>
    </button>
  );
}
