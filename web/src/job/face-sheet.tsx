/** The faces of a job as a sheet of cards, of which only those in view exist. */

import {
  type KeyboardEvent,
  memo,
  type ReactNode,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import type { PlacedRecord } from "../../../src/client/label-reader.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { describeReason } from "../../../src/scoring/report/reason-words.ts";
import { nameUnlabeled } from "../words.ts";
import { type EarlierLabels, findFlip } from "./flips.ts";
import { RecordPicture } from "./record-picture.tsx";
import { scrollToRow, useRowsInView } from "./use-rows.ts";

/** Pixels; the heights are those of `.sheet-row`. */
const CARD_WIDTH = 210;
const GAP = 12;
const ROW_HEIGHT = 286 + GAP;

/** Cards in a grid that grows downwards; `open` shows one of them large. */
export function Sheet(props: {
  readonly id: string;
  readonly records: readonly PlacedRecord[];
  readonly earlier: EarlierLabels | null;
  /** What the records were chosen by: another choice begins at its first record. */
  readonly choice: string;
  readonly open: (index: number) => void;
}): ReactNode {
  const { id, records, earlier, choice, open } = props;
  const holder = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(0);
  const focusNext = useRef(false);
  const columns = useColumns(holder);
  const chosen = useRef(choice);
  useEffect(() => {
    if (chosen.current === choice) return;
    chosen.current = choice;
    setAt(0);
    const element = holder.current;
    if (element !== null && element.getBoundingClientRect().top < 0) element.scrollIntoView();
  }, [choice]);
  const rows = Math.ceil(records.length / columns);
  const { first, end, scrolled } = useRowsInView(holder, rows, ROW_HEIGHT);
  // A filter may leave fewer than there were.
  const current = Math.min(at, Math.max(0, records.length - 1));
  const move = (event: KeyboardEvent<HTMLDivElement>): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      PageDown: 3 * columns,
      PageUp: -3 * columns,
      Home: -current,
      End: records.length - 1 - current,
    };
    const step = steps[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const next = Math.min(records.length - 1, Math.max(0, current + step));
    focusNext.current = true;
    setAt(next);
    const element = event.currentTarget;
    scrollToRow(
      element,
      Math.floor(next / columns),
      ROW_HEIGHT,
      Number.parseInt(getComputedStyle(element).scrollMarginTop),
    );
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
  const show = useCallback((index: number) => (setAt(index), open(index)), [open]);
  return (
    <div
      ref={holder}
      className="sheet"
      onKeyDown={move}
      style={{ height: Math.max(0, rows * ROW_HEIGHT - GAP) }}
      role="list"
      aria-label="Pictures"
    >
      {Array.from({ length: Math.max(0, end - first) }, (_, ahead) => (
        <div
          key={first + ahead}
          role="presentation"
          className="sheet-row"
          style={{
            transform: `translateY(${(first + ahead) * ROW_HEIGHT}px)`,
            gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
          }}
        >
          {records.slice((first + ahead) * columns, (first + ahead + 1) * columns).map((placed, column) => {
            const index = (first + ahead) * columns + column;
            return (
              <div
                // Two inputs of a list may have one id.
                key={`${placed.chunk ?? ""}:${placed.offset}`}
                role="listitem"
                aria-setsize={records.length}
                aria-posinset={index + 1}
              >
                <FaceCard
                  id={id}
                  placed={placed}
                  was={findFlip(placed.record, earlier)}
                  index={index}
                  isStop={index === current}
                  scrolled={scrolled}
                  open={show}
                />
              </div>
            );
          })}
        </div>
      ))}
    </div>
  );
}

/** Cards side by side: as many as the sheet has room for, and at least two. */
function useColumns(holder: RefObject<HTMLElement | null>): number {
  const [columns, setColumns] = useState(2);
  useLayoutEffect(() => {
    const element = holder.current;
    if (element === null) return undefined;
    const measure = (): void => setColumns(Math.max(2, Math.floor((element.clientWidth + GAP) / (CARD_WIDTH + GAP))));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [holder]);
  return columns;
}

/** Drawn again only where something of it changed: while the page scrolls, most cards stay as they are. */
const FaceCard = memo(DrawnCard);

/** @param props.was its label in another run, where that differs @param props.isStop the one card of the sheet that Tab reaches; arrows go on from there */
function DrawnCard(props: {
  readonly id: string;
  readonly placed: PlacedRecord;
  readonly was: string | null;
  readonly index: number;
  readonly isStop: boolean;
  readonly scrolled: RefObject<boolean>;
  readonly open: (index: number) => void;
}): ReactNode {
  const { record } = props.placed;
  // Few cards are ever looked at so closely.
  const [isPeeked, setPeeked] = useState(false);
  return (
    <button
      type="button"
      className="face"
      data-index={props.index}
      tabIndex={props.isStop ? 0 : -1}
      onClick={() => props.open(props.index)}
      onPointerEnter={() => setPeeked(true)}
      onFocus={() => setPeeked(true)}
    >
      <RecordPicture id={props.id} placed={props.placed} alt="" scrolled={props.scrolled} />
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
      {record.probabilities !== null && <MiniBars label={record.label} probabilities={record.probabilities} />}
      <span className="face-name">
        {record.error === null ? record.id.split("/").at(-1) : describeReason(record.error.code)}
        {record.truth !== null && ` · true: ${record.truth}`}
        {props.was !== null && ` · was: ${props.was}`}
      </span>
      {isPeeked && record.probabilities !== null && (
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

/** The outline of the bar at a place, 8.4 wide and up to 26 high. */
const drawBar = (at: number, chance: number): string =>
  `M${10 * at} 26v-${Math.max(1, 26 * chance).toFixed(1)}h8.4V26z`;

/** A bar per label in one drawing: a sheet in motion makes dozens of them a frame. */
function MiniBars(props: {
  readonly label: string | null;
  readonly probabilities: Readonly<Record<string, number>>;
}): ReactNode {
  const chances = Object.entries(props.probabilities);
  const top = chances.findIndex(([label]) => label === props.label);
  const [, most = 0] = chances[top] ?? [];
  return (
    <svg className="mini" viewBox={`0 0 ${10 * chances.length - 1.6} 26`} preserveAspectRatio="none" aria-hidden="true">
      <path d={chances.map(([, chance], at) => (at === top ? "" : drawBar(at, chance))).join("")} />
      {props.label !== null && top >= 0 && <path className={`top ${hueOf(props.label)}`} d={drawBar(top, most)} />}
    </svg>
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
