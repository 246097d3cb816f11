/** The few figures that a measurement is told by. */

/** @param share - 0.5 for the median; the nearest value that was measured is given */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** @returns the number with this many significant digits, so that nobody reads more into it. */
export function rounded(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}
