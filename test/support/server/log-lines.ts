/** A strict reader of log lines, as a program would read them: quotes and backslashes as they are written. */
import assert from "node:assert/strict";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  /** Values as they stand in the line, without their quotes. */
  readonly fields: readonly (readonly [key: string, value: string])[];
}

const linePattern = /^(INFO|WARNING|ERROR) - ([^:]*)(?:: (.*))?$/s;
const fieldPattern = /(\w+)=("(?:[^"\\]|\\.)*"|[^,="]*)(?:, |$)/suy;

/** @throws AssertionError when the text is not one whole line of the log */
export function readLogLine(text: string): LogLine {
  const [, level = "", message = "", rest = ""] = linePattern.exec(text) ?? [];
  assert.notEqual(level, "", `no log line: ${text}`);
  const fields: (readonly [string, string])[] = [];
  let at = 0;
  while (at < rest.length) {
    fieldPattern.lastIndex = at;
    const [whole, key = "", value = ""] = fieldPattern.exec(rest) ?? [];
    assert.ok(whole, `no field at ${at}: ${text}`);
    fields.push([key, value.replace(/^"(.*)"$/s, "$1")]);
    at += whole.length;
  }
  return { level, message, fields };
}
