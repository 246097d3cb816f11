/** Owns the line on standard error that shows a waiting person how far the work is. */
import { fstatSync } from "node:fs";
import { glyphs } from "./glyphs.ts";
import { printMessage } from "./print.ts";

const standardError = 2;
/** More often nobody can read it. */
const pauseMs = 100;
const eraseLine = "\r\u001b[K";

export interface Progress {
  /** Shows these words in place of those before; nothing where standard error is not a terminal. */
  tell(words: string): void;
  /** Takes the line away. */
  done(): void;
}

export function createProgress(): Progress {
  const isShown = isTerminal();
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    tell(words) {
      const nowMs = process.uptime() * 1000;
      if (!isShown || nowMs - lastMs < pauseMs) return;
      lastMs = nowMs;
      printMessage(`${eraseLine}${words} ${glyphs().ellipsis}`);
    },
    done() {
      if (isShown && lastMs > 0) printMessage(eraseLine);
    },
  };
}

function isTerminal(): boolean {
  try {
    return fstatSync(standardError).isCharacterDevice();
  } catch {
    return false;
  }
}
