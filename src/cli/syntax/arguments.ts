/** Owns what the themes of the command table share: how help ends, and how single values are read. */
import { type Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { largestExitCode } from "../../tracker/limits.ts";

/** What a command gets from its options, as its row of the command table says. */
export type OptionsOf<Describe extends (...args: never[]) => Pick<Command, "opts">> = ReturnType<
  ReturnType<Describe>["opts"]
>;

/** The same options, each of which may be missing or undefined. */
export type NoneNeeded<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined };

export function example(...lines: readonly string[]): string {
  return `\nExample${lines.length > 1 ? "s" : ""}:${lines.map((line) => `\n  $ ${line}`).join("")}`;
}

export function parseInteger(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

/** Reads an exit status: one byte (exit(3)). */
export function parseExitCode(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > largestExitCode) {
    throw new InvalidArgumentError(`It must be a whole number from 0 to ${largestExitCode}.`);
  }
  return Number(text);
}

/** Reads a number that counts something: 1 or more. */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number, 1 or more.");
  return Number(text);
}

/** From where a log is followed: a position in it, and the server that has it. */
export interface From {
  readonly position?: number;
  readonly url?: string;
}

/** Reads a position in the log of events, 0 or more, or an address; given twice, both. */
export function parseFrom(text: string, before: From = {}): From {
  if (text.includes("://")) return { ...before, url: text };
  if (/^\d{1,15}$/.test(text)) return { ...before, position: Number(text) };
  throw new InvalidArgumentError("It must be a whole number, 0 or more, or an address such as https://host:8678.");
}

export function collectPair(pair: string, pairs: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must have the form key=value.");
  return { ...pairs, [pair.slice(0, at)]: pair.slice(at + 1) };
}
