/** Owns bars that are drawn with characters. */

/** One to seven eighths of a column (Unicode, block elements). */
const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/**
 * @param width - columns of the longest bar, 1 or more
 * @returns a function that draws a share of 0 to 1; what is more than nothing is seen
 */
export function barDrawer(width: number, isAscii: boolean): (share: number) => string {
  if (isAscii) return (share) => "#".repeat(share > 0 ? Math.max(1, Math.round(share * width)) : 0);
  return (share) => {
    const parts = share > 0 ? Math.max(1, Math.round(share * width * 8)) : 0;
    return "█".repeat(Math.floor(parts / 8)) + eighths[parts % 8];
  };
}
