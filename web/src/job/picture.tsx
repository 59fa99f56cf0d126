/** A picture with what was seen in it. */

import { type ReactNode, useState } from "react";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";
import { hueOf } from "../../../src/scoring/report/design-tokens.ts";
import { formatPercent } from "../../../src/scoring/report/report-format.ts";
import { attendedRegion } from "./face-overlay.ts";

type ShownFace = Pick<ScoreRecord, "face" | "label">;

/** The picture, the box of the face, and the region that the spatial transformer read. */
export function Picture(props: {
  readonly src: string;
  readonly alt: string;
  readonly faces: readonly ShownFace[];
}): ReactNode {
  const [size, setSize] = useState<{ width: number; height: number } | null>(null);
  const [failed, setFailed] = useState(false);
  if (failed) return <div className="picture no-picture">no picture</div>;
  return (
    <div className="picture">
      <img
        src={props.src}
        alt={props.alt}
        decoding="async"
        onError={() => setFailed(true)}
        onLoad={(event) =>
          setSize({ width: event.currentTarget.naturalWidth, height: event.currentTarget.naturalHeight })
        }
      />
      {size !== null && <FaceBoxes size={size} faces={props.faces} />}
    </div>
  );
}

/** Boxes and regions over a picture of so many pixels, each with its number where there are several. */
export function FaceBoxes(props: {
  readonly size: { readonly width: number; readonly height: number };
  readonly faces: readonly ShownFace[];
}): ReactNode {
  const { size, faces } = props;
  return (
    <svg viewBox={`0 0 ${size.width} ${size.height}`} aria-hidden="true">
      {/* What the transformer reads may reach beyond the picture: a viewport of its own cuts it there. */}
      <svg width={size.width} height={size.height}>
        {faces.map(({ face }, index) =>
          // oxlint-disable-next-line react/no-array-index-key -- faces of one picture have no other name
          face === null ? null : (
            <Overlay key={index} face={face} number={faces.length > 1 ? index + 1 : null} side={size.height} />
          ),
        )}
      </svg>
    </svg>
  );
}

/** @param props.number of several faces; @param props.side pixels down the picture */
function Overlay(props: {
  readonly face: NonNullable<ScoreRecord["face"]>;
  readonly number: number | null;
  readonly side: number;
}): ReactNode {
  const { face, number, side } = props;
  const { x, y, width, height } = face.box;
  const region = attendedRegion(face);
  const points = region?.map((point) => `${point.x},${point.y}`).join(" ");
  return (
    <>
      {face.score !== null && (
        <>
          <rect className="halo" x={x} y={y} width={width} height={height} />
          <rect className="box" x={x} y={y} width={width} height={height} />
          {number !== null && (
            <text className="number" x={Math.max(0, x)} y={Math.max(side / 14, y - side / 90)} fontSize={side / 15}>
              {number}
            </text>
          )}
        </>
      )}
      {points !== undefined && (
        <>
          <polygon className="halo" points={points} />
          <polygon className="region" points={points} />
        </>
      )}
    </>
  );
}

/** The probabilities. */
export function Chances({ record }: { readonly record: Pick<ScoreRecord, "label" | "probabilities"> }): ReactNode {
  const { probabilities } = record;
  if (probabilities === null) return null;
  return (
    <ul className="chances">
      {Object.entries(probabilities).map(([label, chance]) => (
        <li key={label} className={label === record.label ? `top ${hueOf(label)}` : ""}>
          <span>{label}</span>
          <span className="chance-track" aria-hidden="true">
            <span style={{ width: `${100 * chance}%` }} />
          </span>
          <span className="chance-value">{formatPercent(chance, 0)}</span>
        </li>
      ))}
    </ul>
  );
}
