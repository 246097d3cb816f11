/** Owns the events of a session's life. Part of the pure core; every room may import its types. */
import type { JsonObject } from "./canonical.ts";
import type { ToldCircumstances } from "./circumstances.ts";
import type { Instant } from "./instant.ts";

/** What a client said about a shell that opened (contract section 1). Two starts with equal content are one event. */
export interface StartContent {
  readonly componentName: string;
  readonly shellType: string;
  readonly timestamp: Instant;
  readonly pid: number;
  readonly username: string;
  readonly home: string;
  readonly hostname: string;
  readonly pythonVersion: string;
  readonly platform: string;
  readonly cwd: string;
  /** Further string keys of `environment`, kept as data. */
  readonly environmentExtra: { readonly [key: string]: string };
  readonly metadata: JsonObject | null;
}

/** What a client said about a shell that closed (contract section 2). */
export interface EndContent {
  readonly timestamp: Instant;
  /** `exit`, `logout`, `hangup`, `signal`, or a client's own word; null where not said. */
  readonly reason: string | null;
  /** The shell's exit status, null where not said. */
  readonly exitCode: number | null;
  /** Name of the signal that ended the shell, such as `HUP`; null where none did or none was said. */
  readonly signal: string | null;
  readonly metadata: JsonObject | null;
}

/** Why a process is proven dead (`src/README.md` section 3). */
export type DeathProof = "pid_gone" | "pid_reused" | "executable_replaced" | "rebooted";

/** What this program found out about a shell that ended without saying so. */
export interface DeathContent {
  /** The last moment the process was known to live. */
  readonly lastAliveAt: Instant;
  /** The first moment it was proven dead. */
  readonly detectedAt: Instant;
  readonly proof: DeathProof;
}

/**
 * What tells one process from every other, before and after it (`src/README.md` section 3).
 * A null field could not be looked at; it is unknown, never different.
 */
export interface ProcessIdentity {
  readonly hostId: string | null;
  readonly bootId: string | null;
  /** Inode of the pid namespace, from `/proc/PID/ns/pid`, then of a time namespace that shifts start times, if any. */
  readonly pidNamespace: string | null;
  readonly pid: number;
  /** Field 22 of `/proc/PID/stat`, in clock ticks since boot, or ps(1)'s `lstart`; compared, never converted. */
  readonly startTicks: string | null;
  /** The path of what it runs; a name, which may mean another file later. */
  readonly executable: string | null;
  /** The file that it runs, by any name: `DEVICE:INODE` of `/proc/PID/exe`. Null in records of earlier versions. */
  readonly exeId: string | null;
  /** The name that the kernel keeps since the last `exec`, at most 15 bytes. Null in records of earlier versions. */
  readonly comm: string | null;
}

/**
 * Who said what an event says: the shell's own state file, a client over MCP, a person or script with `start` or `end`,
 * this program after a look at the process, or another record.
 */
export type EventSource = FirstSource | ImportSource;

/** Who said it to the record that took it first. */
export type FirstSource =
  | { readonly kind: "hook" | "client" | "kernel" }
  | {
      readonly kind: "command";
      /** The user that ran the command; null where the system has no such numbers. */
      readonly uid: number | null;
      /** The process that ran it, mostly a shell. */
      readonly pid: number;
    };

/** Another record says it: what that one took, from whom, and when. Whoever owns that record can have written anything. */
export interface ImportSource {
  readonly kind: "import";
  /** The user of this machine who brought it. */
  readonly uid: number;
  /** As the other record has it; null where it does not say. */
  readonly original: FirstSource | null;
  /** `user_id` of the token that it came with there. */
  readonly originalCaller: string | null;
  /** When the other record took it. */
  readonly originallyAt: Instant;
}

export const firstSourceKinds = ["hook", "client", "command", "kernel"] as const satisfies FirstSource["kind"][];

export const sourceKinds = [...firstSourceKinds, "import"] as const satisfies EventSource["kind"][];

/** Whose a shell of the machine's record is. */
export interface ShellOwner {
  /** The user id that the file system has for its state file: no word of the shell's. */
  readonly uid: number;
  /**
   * Whether its process was looked at, and acted as that user. Not so where the process had gone before anybody came, or may
   * not be looked at.
   */
  readonly isVerified: boolean;
}

/** Where an event that was delivered to this record was recorded first. */
export interface EventOrigin {
  /** Names the record that sent it: one of a user or a machine, on one host. */
  readonly originId: string;
  /** The session's id there. */
  readonly sessionId: string;
  /** Names its log, a UUID; a log that is restored from a backup gets another name. */
  readonly stream: string;
  /** The event's position in that log. */
  readonly seq: number;
}

/** What this program saw itself when it took an event; never part of what makes two events equal. */
export interface Observation {
  readonly recordedAt: Instant;
  /** Null in events that were recorded before sources were. */
  readonly source: EventSource | null;
  /** `user_id` of the caller's token; null without authentication. */
  readonly caller: string | null;
  /** The identity of the shell's process, null for events of other hosts. */
  readonly process: ProcessIdentity | null;
  /** The boot clock at the event's moment, suspend included; null where not known. */
  readonly bootClock: BootClock | null;
  /** What surrounded a shell that opened; null in events of other kinds and of earlier versions, and where nothing is known. */
  readonly circumstances: ToldCircumstances | null;
  /** Of a start in the machine's record; missing where a record is one user's. */
  readonly owner?: ShellOwner;
  /** Of an event that another record delivered; all else here is its word then. Missing in this record's own events. */
  readonly origin?: EventOrigin;
}

/** A moment on a machine's boot clock; two of them can be compared only within one boot. */
export interface BootClock {
  readonly bootId: string;
  /** Milliseconds since boot. */
  readonly ms: number;
}

interface Recorded<Kind extends string, Content> {
  readonly kind: Kind;
  /** UUID; unique over all events of a store. */
  readonly eventId: string;
  readonly sessionId: string;
  readonly content: Content;
  readonly observed: Observation;
}

export type StartEvent = Recorded<"start", StartContent>;
export type EndEvent = Recorded<"end", EndContent>;
export type DeathEvent = Recorded<"death", DeathContent>;
export type SessionEvent = StartEvent | EndEvent | DeathEvent;

/** A start before the store has given it a session id. */
export type NewStart = Omit<StartEvent, "sessionId">;

/** A start that keeps every rule. */
export interface ParsedStart {
  /** UUID version 4 in lower case. */
  readonly eventId: string;
  readonly content: StartContent;
}

/** An end that keeps every rule. */
export interface ParsedEnd {
  readonly sessionId: string;
  readonly content: EndContent;
}
