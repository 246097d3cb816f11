/** Owns what is known of a file of the spool before it is read, and what is wrong with one that is no shell's. */
import type { Machine } from "../host/machine.ts";
import type { NestedProcesses } from "../host/nested.ts";
import type { User } from "../host/users.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { NamedProcess } from "./state-file.ts";

/** What is known of a file before it is read. */
export interface SpoolFileKnowledge {
  readonly user: User;
  readonly machine: Machine;
  readonly nested: NestedProcesses;
  /** The process that it was found to be of, as this machine calls it; null where it was not looked for, or not found. */
  readonly process: NamedProcess | null;
  /** Whether the address that a shell was reached from is kept. */
  readonly keepsRemote: boolean;
  /** The session that this service has recorded it as; null for none so far. */
  readonly sessionId: string | null;
}

/** Thrown for what is no shell's file. */
export class UnfitFile extends SessionBuddyError {
  /** When it was last changed, where its shell may still be writing what is missing; null where nothing can mend it. */
  readonly changedMs: number | null;
  /** As a shell leaves it that found the disk full when it wrote; there is nothing in it to keep. */
  readonly isEmpty: boolean;

  constructor(path: string, words: string, changedMs: number | null = null, isEmpty = false) {
    super("invalid", `the state file ${path} ${words}`);
    this.changedMs = changedMs;
    this.isEmpty = isEmpty;
  }
}
