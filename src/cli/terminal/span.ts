/** Owns drawing spans of time on one line of characters. */

export interface Span {
  readonly fromMs: number;
  /** Until here it is sure. */
  readonly sureUntilMs: number;
  /** Until here it may be; the same where the end is known. */
  readonly untilMs: number;
  /** Whether it is still open. */
  readonly isOpen: boolean;
}

/** The characters of a drawing. */
export interface Look {
  readonly open: string;
  readonly unsure: string;
  readonly goesOn: string;
}

export const looks = {
  unicode: { open: "█", unsure: "░", goesOn: "▶" },
  ascii: { open: "=", unsure: "?", goesOn: ">" },
} as const satisfies Record<string, Look>;

const nothing = " ";

/**
 * Draws spans over each other; what is sure covers what is not, and the shortest one is seen.
 *
 * @param width - columns of the window, 1 or more
 */
export function drawSpans(
  spans: readonly Span[],
  window: Readonly<Record<"fromMs" | "toMs", number>>,
  width: number,
  look: Look,
): string {
  const stepMs = Math.max(1, window.toMs - window.fromMs) / width;
  const cells = new Array<string>(width).fill(nothing);
  const paint = (fromMs: number, toMs: number, glyph: string) => {
    if (toMs < window.fromMs || fromMs > window.toMs) return;
    const cellOf = (ms: number) => Math.min(width - 1, Math.max(0, Math.floor((ms - window.fromMs) / stepMs)));
    const last = Math.max(cellOf(fromMs), toMs > fromMs ? cellOf(toMs - 1) : cellOf(fromMs));
    cells.fill(glyph, cellOf(fromMs), last + 1);
  };
  for (const { sureUntilMs, untilMs } of spans) if (untilMs > sureUntilMs) paint(sureUntilMs, untilMs, look.unsure);
  for (const { fromMs, sureUntilMs } of spans) paint(fromMs, sureUntilMs, look.open);
  for (const { isOpen, untilMs } of spans) if (isOpen) paint(untilMs, untilMs, look.goesOn);
  return cells.join("");
}
