/** The only writer of log lines (contract section 7). */
import { closeSync, constants, writeSync } from "node:fs";
import { openRegular } from "./host/regular-file.ts";
import { SessionBuddyError } from "./tracker/errors.ts";
import { escapeControls } from "./wire/escape.ts";

export type LogLevel = "INFO" | "WARNING" | "ERROR";
export type LogFields = Readonly<Record<string, string | number | null>>;

/** Writes one line an event. Never throws: a log that cannot be written must not undo what was done. */
export interface Log {
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogOptions {
  /** Whether lines go to standard error. */
  readonly toStandardError: boolean;
  /** File that lines are appended to, mode 0600 where it is made; none when null. One that is not ours is left alone. */
  readonly file: string | null;
}

export function createLog(options: LogOptions): Log {
  // Whoever read standard error may go away, as `head` does; that must not end the program.
  if (options.toStandardError) process.stderr.on("error", () => {});
  const write = (level: LogLevel, message: string, fields: LogFields = {}) => {
    // Most commands have nowhere to log to, and a line costs to be made.
    if (!options.toStandardError && options.file === null) return;
    const line = `${formatLine(level, message, fields)}\n`;
    if (options.toStandardError) writeQuietly(() => process.stderr.write(line));
    if (options.file !== null) {
      const file = options.file;
      writeQuietly(() => append(file, line));
    }
  };
  return {
    info: (message, fields) => write("INFO", message, fields),
    warning: (message, fields) => write("WARNING", message, fields),
    error: (message, fields) => write("ERROR", message, fields),
  };
}

/** @returns `LEVEL - message: key=value, key=value` on one line, whatever the values hold. */
export function formatLine(level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${formatValue(value)}`);
  return `${level} - ${escapeControls(message)}${pairs.length === 0 ? "" : ": "}${pairs.join(", ")}`;
}

/** A value that could pass for further fields is put in quotes, inside which `\` and `"` stand behind a `\`. */
function formatValue(value: string | number | null): string {
  const text = hideTokens(String(value ?? ""));
  const escaped = escapeControls(text);
  if (!/[,="]/.test(escaped)) return escaped;
  const doubled = escaped === text ? text.replaceAll("\\", "\\\\") : escaped;
  return `"${doubled.replaceAll('"', '\\"')}"`;
}

/** How a JSON object begins in base64url, and as much of it as no name has by chance. */
const encodedObject = /e(?:y[A-L]|w[0o])[\w-]{13,}/;

/**
 * Whoever sends a token where a name belongs gets it back in the answer; the log is for others. A token is a header and a
 * payload, both JSON objects, and a signature, with points between (RFC 7515 section 7.1).
 *
 * @returns the text with `(token)` for each
 */
function hideTokens(text: string): string {
  if (!text.includes(".e")) return text;
  // Whole runs and their parts are looked at, because a pattern that begins anywhere takes long for long texts.
  return text.replaceAll(/[\w.-]+/g, (run) => {
    const parts = run.split(".");
    const at = parts.findIndex((part, index) => encodedObject.test(part) && isEncodedObject(parts[index + 1]));
    if (at === -1) return run;
    const header = parts[at] ?? "";
    return [...parts.slice(0, at), `${header.slice(0, header.search(encodedObject))}(token)`].join(".");
  });
}

function isEncodedObject(part = ""): boolean {
  return part.search(encodedObject) === 0;
}

function append(file: string, line: string): void {
  const descriptor = openRegular(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  try {
    // One write, so that lines of several processes never mix.
    writeSync(descriptor, line);
  } finally {
    closeSync(descriptor);
  }
}

function writeQuietly(write: () => void): void {
  try {
    write();
  } catch {
    // There is nowhere better to say it.
  }
}

/** The reason in full goes to the log; what was sent stays out of it, because it may hold a token. */
export function logFailure(log: Log, message: string, error: unknown): void {
  if (!(error instanceof SessionBuddyError)) {
    log.error(message, { code: "internal", reason: error instanceof Error ? error.message : "unknown" });
    return;
  }
  const reason = error.detail ?? error.message;
  if (error.code.startsWith("storage")) log.error(message, { code: error.code, reason });
  else log.warning(message, { code: error.code, reason });
}
