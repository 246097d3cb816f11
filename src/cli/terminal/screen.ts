/** Owns a terminal's second screen: what was on the first one is there again when it is left. */
import { printText } from "./print.ts";

// Control sequences of xterm, which every terminal of today knows; console_codes(4).
// A line that is too long after all, as terminals do not agree on every character, is cut and does not wrap.
const enter = "\u001b[?1049h\u001b[?25l\u001b[?7l";
const leave = "\u001b[?7h\u001b[?25h\u001b[?1049l";
const home = "\u001b[H";
const eraseBelow = "\u001b[J";

export interface Screen {
  /** Shows these lines in place of those before. */
  show(lines: readonly string[]): void;
  close(): void;
}

/** @param redraw - called when what is shown is no longer right: another size, or back after Ctrl-Z */
export function openScreen(redraw: () => void): Screen {
  const suspend = () => {
    printText(leave);
    process.kill(process.pid, "SIGSTOP");
  };
  const resume = () => {
    printText(enter);
    redraw();
  };
  process.stdout.on("resize", redraw);
  process.on("SIGTSTP", suspend).on("SIGCONT", resume);
  printText(enter);
  return {
    show(lines) {
      // Erased first: behind a line of the full width the cursor still stands on its last character.
      printText(home + eraseBelow + lines.join("\r\n"));
    },
    close() {
      process.stdout.off("resize", redraw);
      process.off("SIGTSTP", suspend).off("SIGCONT", resume);
      printText(leave);
    },
  };
}
