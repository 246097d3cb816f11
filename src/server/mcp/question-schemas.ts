/** Owns the schemas of the answers to questions, held against the rows that are answered. */
import { z } from "zod";
import { circumstanceSources } from "../../tracker/circumstances.ts";
import { firstSourceKinds, sourceKinds } from "../../tracker/event.ts";
import { enders, sessionStates } from "../../tracker/fold.ts";
import type {
  CircumstanceRow,
  EventRow,
  ExplanationRow,
  GroupRow,
  ProcessRow,
  SessionDetailRow,
  SessionRow,
} from "../../wire/view.ts";

const state = z.enum(sessionStates);
const instant = z.string().nullable();
const text = z.string().nullable();
const milliseconds = z.number().int().nullable();
const id = z.number().int().nullable();
const outcome = {
  error: z.string().nullable().describe("what is wrong, when the status is 'error'"),
  as_of: z.string().describe("when this was true"),
};
const found = { status: z.enum(["ok", "error"]), ...outcome };
const foundOrNot = { status: z.enum(["ok", "not_found", "error"]), ...outcome };

const endedBy = z
  .enum(enders)
  .nullable()
  .describe("who told the end: 'hook' is the shell itself, 'kernel' a look at its process; null while 'active'");
const source = z
  .object({
    kind: z
      .enum(sourceKinds)
      .describe(
        "'hook': the shell itself; 'client': over MCP; 'command': typed by hand; 'kernel': this program looked; 'import': another record",
      ),
    uid: z.number().int().nullable().describe("of a command: the user that ran it; of an import: who brought it"),
    pid: z.number().int().nullable().describe("of a command: the process that ran it"),
    original: z
      .object({
        kind: z.enum(firstSourceKinds).nullable(),
        uid: z.number().int().nullable(),
        pid: z.number().int().nullable(),
        caller: z.string().nullable(),
        recorded_at: z.string(),
      })
      .nullable()
      .describe("of an import: who said it to the other record, and when"),
  })
  .nullable()
  .describe("who said it; null in events that were recorded before this was kept");
/** A schema for each key of an answer's row: a key more, a key less or another type does not compile. */
type Shape<Row> = { readonly [Key in keyof Row]: z.ZodType<Row[Key]> };
/** The same where a schema says less than the row's type does. */
type Keys<Row> = Readonly<Record<keyof Row, z.ZodType>>;

const origin = z
  .object({ id: z.string(), name: text, session_id: z.string() })
  .nullable()
  .describe("the enrolled record that delivered it, and its id there; null for this record's own");
const asOf = instant.describe(
  "of an open session from elsewhere: when its record was last heard; it may have ended since",
);

const session = z.object({
  session_id: z.string(),
  state,
  component_name: z.string(),
  shell_type: z.string(),
  pid: z.number().int(),
  hostname: z.string(),
  username: z.string(),
  cwd: z.string(),
  started_at: z.string(),
  ended_at: instant.describe("as it was reported; null unless 'ended'"),
  ended_after: instant.describe("last proof of life; null unless 'orphaned' or 'replaced'"),
  ended_before: instant.describe("first proof of death; null unless 'orphaned' or 'replaced'"),
  duration_ms: milliseconds,
  exit_code: z.number().int().nullable(),
  end_reason: text.describe("the reason that was reported, or the proof of death; null where not known"),
  ended_by: endedBy,
  signal: text.describe("the signal that ended the shell; null where none did, or none was reported"),
  idle_ms: milliseconds.describe(
    "how long nothing was typed at the terminal of an open session, as this machine sees it",
  ),
  uid: id.describe("the user that the shell acts as"),
  tty: text.describe("its terminal without /dev/"),
  login_uid: id.describe("the user who logged in, whoever they became since by sudo, su or doas"),
  login_user: text,
  audit_session: id.describe("the login's number in the kernel's audit"),
  systemd_session: text.describe("the login's id in loginctl"),
  parent_session: text.describe("the session of the nearest shell around it"),
  via: text.describe("'sudo:NAME' or 'doas:NAME', as the shell claims"),
  multiplexer: text.describe("'tmux:SOCKET:PANE' or 'screen:SESSION', as the shell claims"),
  container: text,
  remote: text.describe("'ADDRESS PORT' the login came from, as the shell claims; not recorded by default"),
  terminal_program: text.describe("as the shell claims"),
  origin,
  as_of: asOf,
} satisfies Shape<SessionRow>);
export const sessionPage = z.object({ ...found, sessions: z.array(session), next_cursor: text });

const process = z.object({
  host_id: text,
  boot_id: text,
  pid_namespace: text,
  pid: z.number().int(),
  start_ticks: text,
  executable: text,
  exe_id: text.describe("device and inode of the file that runs"),
  comm: text.describe("the name that the kernel keeps of it"),
} satisfies Shape<ProcessRow>);

const durationBasis = z
  .enum(["boot_clock", "wall_clock", "clamped"])
  .nullable()
  .describe("'clamped' where clocks contradicted each other");

const sessionDetail = session.extend({
  home: z.string(),
  platform: z.string(),
  duration_basis: durationBasis,
  process: process.nullable(),
} satisfies Pick<Shape<SessionDetailRow>, Exclude<keyof SessionDetailRow, keyof SessionRow>>);

const circumstance = z.object({
  name: z.string(),
  value: z.union([z.string(), z.number().int()]),
  source: z.enum(circumstanceSources).describe("'kernel': this program asked it; else the shell's environment"),
  worth: z
    .enum(["reliable", "good", "claim"])
    .describe("'reliable': no user can change it; 'claim': the shell's own word, true or not"),
} satisfies Keys<CircumstanceRow>);

const event = z.object({
  seq: z.number().int(),
  event_id: z.string(),
  kind: z.enum(["start", "end", "death"]),
  recorded_at: z.string(),
  source,
  caller: text.describe("user_id of the token it came with"),
  process: process.nullable(),
  boot_clock: z.object({ boot_id: z.string(), ms: z.number().int() }).nullable(),
  circumstances: z.array(circumstance).describe("of a start: what is known of where the shell was opened"),
  details: z.record(z.string(), z.unknown()).describe("what was said, by kind"),
} satisfies Keys<EventRow>);
export const sessionRecord = z.object({ ...foundOrNot, session: sessionDetail.nullable(), events: z.array(event) });

const value = z.union([z.string(), z.number().int()]).nullable();
const explanation = z.object({
  session_id: z.string(),
  state,
  rank: z
    .number()
    .int()
    .describe(
      "how strongly the state is proven: 0 active, 1 proven dead, 2 told by another, 3 told by the shell itself",
    ),
  ended_by: endedBy,
  end_reason: text,
  ended_after: instant,
  ended_before: instant,
  duration_basis: durationBasis,
  owner_uid: z.number().int().nullable().describe("the owner of the shell's file, as the file system has it"),
  verified: z.boolean().nullable().describe("whether the process was seen to act as that user; null: own record"),
  deciding_event_id: z.string(),
  events: z.array(event.pick({ event_id: true, kind: true, recorded_at: true, source: true, caller: true })),
  process_now: z.object({
    state: z.enum(["alive", "dead", "unknown"]),
    reason: text.describe("the proof of death, or why nothing can be said; null when alive"),
  }),
  probes: z.array(
    z.object({
      name: z.string(),
      recorded: value,
      seen: value,
      outcome: z.enum(["same", "different", "gone", "unknown"]),
      command: text.describe("shows the value on that host"),
    }),
  ),
  circumstances: z.array(circumstance),
  origin,
  as_of: asOf,
} satisfies Keys<ExplanationRow>);
export const sessionExplanation = z.object({ ...foundOrNot, explanation: explanation.nullable() });

const group = z.object({
  key: z.string(),
  sessions: z.number().int(),
  open: z.number().int(),
  orphaned: z.number().int(),
  replaced: z.number().int(),
  median_ms: milliseconds.describe("median of the known durations"),
  p95_ms: milliseconds.describe("95th percentile of the known durations"),
} satisfies Shape<GroupRow>);
export const stats = z.object({
  ...found,
  by: text,
  groups: z.array(group),
  omitted: z.number().int().describe("how many groups are left out because of the limit"),
});

export const timeline = z.object({
  ...found,
  since: instant.describe("begin of the window: open_since, or 24 hours before its end"),
  until: instant.describe("end of the window: open_until, or now"),
  by: text,
  lines: z.array(z.object({ key: z.string(), sessions: z.array(session).describe("oldest first") })),
  omitted: z.number().int().describe("how many lines are left out because of the limit"),
  complete: z
    .boolean()
    .describe("false when the window holds more sessions than are read at once; the oldest are left out"),
});
