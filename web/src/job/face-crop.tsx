/** One face of a picture, cut out with some room around it. */

import { type CSSProperties, type ReactNode, useState } from "react";
import type { ScoreRecord } from "../../../src/scoring/records/records.ts";

/** Side of what is shown, in sides of the face's box. */
const ROOM = 1.5;

/** The face as a square; all of the picture where it has none. @param props.src address of the whole picture */
export function FaceCrop({ src, face }: { readonly src: string; readonly face: ScoreRecord["face"] }): ReactNode {
  const [place, setPlace] = useState<CSSProperties | null>(null);
  return (
    <div className="picture crop">
      <img
        src={src}
        alt=""
        decoding="async"
        className={place === null ? undefined : "there"}
        style={place ?? undefined}
        onLoad={({ currentTarget: { naturalWidth, naturalHeight } }) =>
          setPlace(placePicture(naturalWidth, naturalHeight, face))
        }
      />
    </div>
  );
}

/** Where a picture of so many pixels lies, so that a square frame shows the face; percentages of the frame. */
function placePicture(width: number, height: number, face: ScoreRecord["face"]): CSSProperties {
  const whole = Math.min(width, height);
  const box = face?.box ?? { x: (width - whole) / 2, y: (height - whole) / 2, width: whole, height: whole };
  const side = Math.min(whole, face?.score == null ? whole : ROOM * Math.max(box.width, box.height));
  const keep = (start: number, length: number): number => Math.min(Math.max(0, start), length - side);
  const left = keep(box.x + (box.width - side) / 2, width);
  const top = keep(box.y + (box.height - side) / 2, height);
  const percent = (pixels: number): string => `${(100 * pixels) / side}%`;
  return { width: percent(width), height: percent(height), left: percent(-left), top: percent(-top) };
}
