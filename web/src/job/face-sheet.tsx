/** The faces of a job as a sheet of cards, of which only those in view exist. */

import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from "react";
import type { PlacedRecord } from "../../../src/client/label-reader.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { nameUnlabeled } from "../words.ts";
import { type EarlierLabels, findFlip } from "./flips.ts";
import { RecordPicture } from "./record-picture.tsx";

const CARD_WIDTH = 210;

const CARD_HEIGHT = 286;

const GAP = 12;

/** Cards in a grid that grows downwards; `open` shows one of them large. */
export function Sheet(props: {
  readonly id: string;
  readonly records: readonly PlacedRecord[];
  readonly earlier: EarlierLabels | null;
  /** What the records were chosen by: another choice begins at its first record. */
  readonly choice: string;
  readonly open: (index: number) => void;
}): ReactNode {
  const holder = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const focusNext = useRef(false);
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
  const { choice } = props;
  const chosen = useRef(choice);
  useEffect(() => {
    if (chosen.current === choice) return;
    chosen.current = choice;
    setAt(0);
    const element = holder.current;
    if (element !== null && element.getBoundingClientRect().top < 0) element.scrollIntoView();
  }, [choice]);
  const rows = Math.ceil(props.records.length / layout.columns);
  const virtualizer = useWindowVirtualizer({
    count: rows,
    estimateSize: () => CARD_HEIGHT + GAP,
    overscan: 3,
    scrollMargin: layout.top,
  });
  // A filter may leave fewer than there were.
  const current = Math.min(at, Math.max(0, props.records.length - 1));
  const { columns } = layout;
  const move = (event: KeyboardEvent<HTMLDivElement>): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      PageDown: 3 * columns,
      PageUp: -3 * columns,
      Home: -current,
      End: props.records.length - 1 - current,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const next = Math.min(props.records.length - 1, Math.max(0, current + step));
    focusNext.current = true;
    setAt(next);
    virtualizer.scrollToIndex(Math.floor(next / columns), { align: "auto" });
  };
  useEffect(() => {
    if (!focusNext.current) return;
    // The card exists once its row was scrolled into view.
    const card = holder.current?.querySelector<HTMLElement>(`[data-index="${current}"]`);
    if (card) {
      focusNext.current = false;
      card.focus({ preventScroll: true });
    }
  });
  return (
    <div
      ref={holder}
      className="sheet"
      onKeyDown={move}
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
              key={`${placed.chunk ?? ""}:${placed.offset}`}
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
              <FaceCard
                id={props.id}
                placed={placed}
                was={findFlip(placed.record, props.earlier)}
                index={index}
                isStop={index === current}
                open={() => (setAt(index), props.open(index))}
              />
            </div>
          );
        }),
      )}
    </div>
  );
}

/** @param props.was its label in another run, where that differs @param props.isStop the one card of the sheet that Tab reaches; arrows go on from there */
function FaceCard(props: {
  readonly id: string;
  readonly placed: PlacedRecord;
  readonly was: string | null;
  readonly index: number;
  readonly isStop: boolean;
  readonly open: () => void;
}): ReactNode {
  const { record } = props.placed;
  return (
    <button
      type="button"
      className="face"
      data-index={props.index}
      tabIndex={props.isStop ? 0 : -1}
      onClick={props.open}
    >
      <RecordPicture id={props.id} placed={props.placed} alt="" lazy />
      <span className="face-title">
        {record.label === null ? (
          <b className="bad">{nameUnlabeled(record)}</b>
        ) : (
          <span className="label">
            <i className={`dot ${hueOf(record.label)}`} />
            {record.label}
          </span>
        )}
        {record.probabilities !== null && (
          <span>{formatPercent(Math.max(...Object.values(record.probabilities)), 0)}</span>
        )}
      </span>
      {record.probabilities !== null && (
        <span className="mini" aria-hidden="true">
          {Object.entries(record.probabilities).map(([label, chance]) => (
            <span
              key={label}
              className={label === record.label ? `top ${hueOf(record.label)}` : ""}
              style={{ height: `${Math.max(4, 100 * chance)}%` }}
            />
          ))}
        </span>
      )}
      <span className="face-name">
        {record.error === null ? record.id.split("/").at(-1) : describeReason(record.error.code)}
        {record.truth !== null && ` · true: ${record.truth}`}
        {props.was !== null && ` · was: ${props.was}`}
      </span>
      {record.probabilities !== null && (
        <span className="peek" aria-hidden="true">
          {rankChances(record.probabilities).map(({ label, chance }) => (
            <span key={label} className="chance">
              {label} {formatPercent(chance, 0)}
            </span>
          ))}
        </span>
      )}
    </button>
  );
}

/** The three most probable labels. */
function rankChances(
  probabilities: Readonly<Record<string, number>>,
): { readonly label: string; readonly chance: number }[] {
  return Object.entries(probabilities)
    .map(([label, chance]) => ({ label, chance }))
    .toSorted((a, b) => b.chance - a.chance)
    .slice(0, 3);
}
