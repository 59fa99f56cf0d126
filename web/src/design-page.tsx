/** `#/design`: the parts that every page is made of, on a local server only. */

import type { ReactNode } from "react";
import { LABELS } from "../../src/model/labels.ts";
import { COLOR_ROLES, hueOf, LABEL_HUES, SPACES, TEXT_SIZES } from "../../src/scoring/report/design-tokens.ts";
import {
  renderConfusion,
  renderHistogram,
  renderLabelName,
  renderParts,
} from "../../src/scoring/report/report-charts.ts";
import { Markup, ShareChart } from "./markup.tsx";
import { LabelMix } from "./parts.tsx";
import "./styles/tables.css";

const COUNTS = [63, 3, 52, 429, 99, 79, 224];
const TONES = ["good", "warn", "bad", "busy", "idle"] as const;
const dash = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Tokens first, then the parts that use them. */
export function DesignPage(): ReactNode {
  return (
    <>
      <div className="head">
        <h1>Design</h1>
      </div>
      <section className="card">
        <h2>Text</h2>
        {Object.entries(TEXT_SIZES).map(([name, rem]) => (
          <p key={name} style={{ fontSize: `var(--text-${name})` }}>
            {name}, {rem * 16} px: seven labels of apparent facial expression
          </p>
        ))}
      </section>
      <section className="card">
        <h2>Space</h2>
        <svg width="100%" height="28" role="img" aria-label={`Steps of ${SPACES.join(", ")} pixels`}>
          {SPACES.map((pixels, index) => (
            <rect key={pixels} x={index * 64} width={pixels} height={pixels > 28 ? 28 : pixels} fill="var(--accent)" />
          ))}
        </svg>
        <p className="quiet">{SPACES.join(", ")} pixels</p>
      </section>
      <section className="card">
        <h2>Colors by role</h2>
        <Swatches names={Object.keys(COLOR_ROLES).map(dash)} />
      </section>
      <section className="card">
        <h2>Labels</h2>
        <Swatches names={LABELS.map(hueOf)} />
        <p className="quiet">
          In light and dark {LABELS.map((label) => `${LABEL_HUES[label]!.light} ${LABEL_HUES[label]!.dark}`).join(", ")}
          . A label is always named beside its hue.
        </p>
        <div className="row">
          {LABELS.map((label) => (
            <Markup key={label} of={renderLabelName(label)} />
          ))}
        </div>
        <LabelMix counts={COUNTS} />
      </section>
      <section className="card">
        <h2>Pills, buttons, fields</h2>
        <div className="row">
          {TONES.map((tone) => (
            <span key={tone} className={`pill tone-${tone}`}>
              {tone}
            </span>
          ))}
        </div>
        <div className="row">
          <button type="button" className="primary">
            Primary
          </button>
          <button type="button">Secondary</button>
          <button type="button" className="danger">
            Dangerous
          </button>
          <button type="button" className="plain">
            Plain
          </button>
          <button type="button" disabled>
            Disabled
          </button>
        </div>
        <div className="fields">
          <label className="field">
            <span className="name">A field</span>
            <input placeholder="as it is typed" />
            <span className="hint">What it is for</span>
          </label>
        </div>
        <div className="alert" role="note">
          <strong>An alert:</strong> what went wrong, and what to do.
        </div>
      </section>
      <section className="card">
        <h2>Shares</h2>
        <ShareChart name="Shares of an example" counts={COUNTS} />
      </section>
      <section className="card">
        <h2>Histogram, parts, heat map</h2>
        <Markup of={renderHistogram([0, 0, 2, 5, 9, 20, 31, 24, 18, 40], "Faces by the probability of their label")} />
        <Markup
          of={renderParts([
            { name: "Scored", count: 949, tone: "main" },
            { name: "No face", count: 31, tone: "idle" },
            { name: "Failed", count: 20, tone: "bad" },
          ])}
        />
        <Markup
          of={renderConfusion(
            "Confusion matrix of an example",
            LABELS.map((_, row) => LABELS.map((__, column) => (row === column ? 60 : (row * 3 + column * 5) % 11))),
            LABELS,
          )}
        />
      </section>
    </>
  );
}

function Swatches({ names }: { readonly names: readonly string[] }): ReactNode {
  return (
    <ul className="swatches">
      {names.map((name) => (
        <li key={name}>
          <svg aria-hidden="true">
            <rect width="100%" height="100%" fill={`var(--${name})`} />
          </svg>
          <code>--{name}</code>
        </li>
      ))}
    </ul>
  );
}
