/** Owns how answers are printed: JSON for programs, lines for people. */
import { fstatSync, writeSync } from "node:fs";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { escapeJson } from "../../wire/escape.ts";

const standardOutput = 1;
const standardError = 2;
const pauseMs = 5;

export function printJson(value: unknown): void {
  printLine(escapeJson(JSON.stringify(value, null, isTerminal() ? 2 : undefined)));
}

/** Whether a person may be reading. A terminal is a character device; asking `node:tty` would load the streams. */
export function isTerminal(): boolean {
  return fstatSync(standardOutput).isCharacterDevice();
}

/** @returns the columns of the terminal that a person reads from; null when nobody does, or it does not say. */
export function terminalWidth(): number | null {
  return isTerminal() ? process.stdout.columns || null : null;
}

/** @returns the lines of the terminal that a person reads from; null when nobody does, or it does not say. */
export function terminalHeight(): number | null {
  return isTerminal() ? process.stdout.rows || null : null;
}

/** Writes one line of data to standard output. What it holds must be escaped already. */
export function printLine(line: string): void {
  printText(`${line}\n`);
}

/**
 * Writes text to standard output as it is. A reader that has stopped reading, as `head` does, is not a failure.
 *
 * @returns whether there still is a reader
 * @throws SessionBuddyError `storage.unavailable` when it cannot be written, as on a full disk
 */
export function printText(text: string): boolean {
  try {
    writeAll(standardOutput, text);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EPIPE") return false;
    throw new SessionBuddyError("storage.unavailable", `standard output cannot be written: ${message}`, {
      cause: error,
    });
  }
}

/** Writes words for a person to standard error as they are; where they cannot be written there is no better place. */
export function printMessage(text: string): void {
  try {
    writeAll(standardError, text);
  } catch {
    // The exit status still tells.
  }
}

/** Writes past `process.stdout` and its like, whose streams cost a tenth of an empty Node.js to load. */
function writeAll(descriptor: number, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      // The pipe is full and not ours to make blocking; wait a moment for its reader.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
    }
  }
}
