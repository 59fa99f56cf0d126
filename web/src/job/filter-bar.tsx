/** What the gallery shows, as pills that stay in view; the rest unfolds. Every choice stands in the address. */

import type { ReactNode } from "react";
import { OUTCOMES } from "../../../src/scoring/records/records.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatCount, formatNumber } from "../../../src/scoring/report/report-format.ts";
import { setQuery } from "../route.ts";
import { OUTCOME_WORDS } from "../words.ts";
import type { countChoices, Filters } from "./filters.ts";

/** Pills for labels and outcomes with their counts, a search, and more. @param props.wrong records with another label than the given one */
export function FilterBar(props: {
  readonly filters: Filters;
  readonly choices: ReturnType<typeof countChoices>;
  readonly groups: readonly string[];
  readonly hasTruth: boolean;
  readonly wrong: number;
}): ReactNode {
  const { filters, choices } = props;
  const all = Object.values(choices.outcomes).reduce((sum, count) => sum + count, 0);
  const others = OUTCOMES.filter((outcome) => outcome !== "scored" && (choices.outcomes[outcome] ?? 0) > 0);
  return (
    <section className="filters" aria-label="Filters">
      <ul className="pills">
        <Pill
          words="All"
          count={all}
          pressed={filters.label === null && filters.outcome === null && !filters.wrong}
          press={() => {
            for (const name of ["label", "outcome", "wrong"]) setQuery(name, null);
          }}
        />
        {[...choices.labels].map(([label, count]) => (
          <Pill
            key={label}
            words={label}
            hue={hueOf(label)}
            count={count}
            pressed={filters.label === label}
            press={() => {
              setQuery("outcome", null);
              setQuery("label", filters.label === label ? null : label);
            }}
          />
        ))}
        {others.map((outcome) => (
          <Pill
            key={outcome}
            words={OUTCOME_WORDS[outcome]}
            count={choices.outcomes[outcome] ?? 0}
            pressed={filters.outcome === outcome}
            press={() => {
              setQuery("label", null);
              setQuery("outcome", filters.outcome === outcome ? null : outcome);
            }}
          />
        ))}
        {props.hasTruth && (
          <Pill
            words="Wrong"
            count={props.wrong}
            pressed={filters.wrong}
            press={() => setQuery("wrong", filters.wrong ? null : "1")}
          />
        )}
      </ul>
      <div className="row">
        <input
          type="search"
          aria-label="Search by key"
          placeholder="Search by key"
          value={filters.search ?? ""}
          onChange={(event) => setQuery("q", event.target.value)}
        />
        <label className="engine-choice">
          <span className="visually-hidden">Order</span>
          <select
            value={filters.sort === "input" ? "" : filters.sort}
            onChange={(event) => setQuery("sort", event.target.value)}
          >
            <option value="">As listed</option>
            <option value="margin">Least certain first</option>
            <option value="surest">Most certain first</option>
          </select>
        </label>
        {props.groups.length > 0 && (
          <label className="engine-choice">
            <span className="visually-hidden">Group</span>
            <select value={filters.group ?? ""} onChange={(event) => setQuery("group", event.target.value)}>
              <option value="">All groups</option>
              {props.groups.map((group) => (
                <option key={group}>{group}</option>
              ))}
            </select>
          </label>
        )}
        <label className="engine-choice">
          <span className="note">Margin up to {formatNumber(filters.maxMargin ?? 1)}</span>
          <input
            type="range"
            min="0"
            max="1"
            step="0.05"
            value={filters.maxMargin ?? 1}
            onChange={(event) => setQuery("margin", event.target.value === "1" ? null : event.target.value)}
          />
        </label>
      </div>
    </section>
  );
}

function Pill(props: {
  readonly words: string;
  readonly hue?: string;
  readonly count: number;
  readonly pressed: boolean;
  readonly press: () => void;
}): ReactNode {
  return (
    <li>
      <button type="button" aria-pressed={props.pressed} onClick={props.press}>
        {props.hue !== undefined && <i className={`dot ${props.hue}`} />}
        {props.words} <small>{formatCount(props.count)}</small>
      </button>
    </li>
  );
}
