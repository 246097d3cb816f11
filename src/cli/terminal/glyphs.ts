/** Owns the characters of our own words that are not ASCII, and what stands in for them where the locale cannot show them. */
import { usesUnicode } from "../../config/environment.ts";

export interface Glyphs {
  /** Stands for what was left out, or is still to come. */
  readonly ellipsis: string;
  /** Stands before what to do about it. */
  readonly arrow: string;
}

const unicode: Glyphs = { ellipsis: "…", arrow: "→" };
const ascii: Glyphs = { ellipsis: "...", arrow: "->" };

/** @returns those that the locale of the caller can show */
export function glyphs(): Glyphs {
  return usesUnicode(process.env) ? unicode : ascii;
}
