/** What a classifier wants to see: the side of its square input, its channels, and how bytes become its numbers. */

import { z } from "zod";
import { ScoringError } from "../errors.ts";

/** Largest side of an input, pixels. */
const MAX_SIDE = 512;

/** Channels of an input by its color. */
const CHANNELS = { gray: 1, rgb: 3, bgr: 3 } as const;

/** The form of a card's `input`. Each byte of a channel becomes `(byte ÷ 255 − mean) ÷ std`. */
export const inputFormSchema = z
  .strictObject({
    /** Side, pixels: inputs are squares. */
    size: z.int().min(8).max(MAX_SIDE),
    /** Channels and their order. */
    color: z.enum(["gray", "rgb", "bgr"]),
    /** One a channel, in the order of `color`. */
    mean: z.array(z.number()).min(1).max(3),
    std: z
      .array(z.number().refine((value) => value !== 0, "must not be 0"))
      .min(1)
      .max(3),
  })
  .superRefine(({ color, mean, std }, context) => {
    for (const [name, values] of Object.entries({ mean, std })) {
      if (values.length === CHANNELS[color]) continue;
      const message = `has ${values.length} values, not ${CHANNELS[color]}: one for each channel of ${color}`;
      context.addIssue({ code: "custom", path: [name], message });
    }
  });

/** A checked form. See the fields' comments in this file. */
export type InputForm = Readonly<z.infer<typeof inputFormSchema>>;

/** Of every model shipped: 48×48 gray, −1…1. */
export const GRAY_48 = { size: 48, color: "gray", mean: [0.5], std: [0.5] } satisfies InputForm;

/** Whether two forms want the same numbers. */
export function isSameForm(a: InputForm, b: InputForm): boolean {
  const list = ({ size, color, mean, std }: InputForm) => [size, color, ...mean, ...std].join();
  return list(a) === list(b);
}

/** Channels of an input: 1 or 3. */
export function countChannels({ color }: Pick<InputForm, "color">): 1 | 3 {
  return CHANNELS[color];
}

/** Bytes of one face: rows of pixels, channels together. */
export function countInputBytes(form: Pick<InputForm, "size" | "color">): number {
  return form.size * form.size * countChannels(form);
}

/**
 * What every byte becomes, by channel: 256 numbers each, computed in doubles.
 */
export function tabulateLevels({ mean, std }: Pick<InputForm, "mean" | "std">): readonly (readonly number[])[] {
  return mean.map((middle, k) => Array.from({ length: 256 }, (_, level) => (level / 255 - middle) / std[k]!));
}

/** The same as `byte × scale + offset`, by channel. */
export function scaleLevels({ mean, std }: Pick<InputForm, "mean" | "std">): { scales: number[]; offsets: number[] } {
  return {
    scales: std.map((spread) => 1 / (255 * spread)),
    offsets: mean.map((middle, k) => -middle / std[k]!),
  };
}

/**
 * Refuses a call that could only read beyond its pixels.
 * @throws ScoringError `internal`: the caller is wrong, not the input
 */
export function checkFaces(form: Pick<InputForm, "size" | "color">, pixels: Uint8Array, count: number): void {
  const bytes = countInputBytes(form);
  if (Number.isInteger(count) && count >= 0 && pixels.length >= count * bytes) return;
  throw new ScoringError("internal", `${pixels.length} bytes do not hold ${count} faces of ${bytes}`);
}
