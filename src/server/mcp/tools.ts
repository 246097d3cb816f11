/** Owns the tools that clients see and what each call runs. */
import { z } from "zod";
import type { Answers } from "../../app/answers.ts";
import type { Track } from "../../app/track.ts";
import { createQuestionTools } from "./question-tools.ts";
import { type ServedTool, tokenArgument, toSchema } from "./schema.ts";

// The parser of the tracker decides what is accepted and says so in the contract's sentences (contract sections 1 to
// 4). These schemas tell clients what to send, and are looser than the parser wherever the two could differ.
const text = (description: string) => z.string().describe(description);
const metadata = z.looseObject({}).nullable().optional();
const timestamp = text("ISO 8601 with time and zone, for example 2026-02-06T12:34:56.789Z");

const startInput = z.looseObject({
  event_version: z.literal("1.0"),
  event_id: text("UUID version 4, new for every event; sending the same event again is safe"),
  event_type: z.literal("session_start").optional(),
  component_name: text("letters, digits, _ and -, at most 100 characters"),
  shell_type: text("for example bash, at most 100 characters"),
  timestamp,
  pid: z.union([z.number(), z.string()]).describe("process id, 1 to 4194304"),
  user: z.looseObject({ username: text("at most 100 characters"), home: text("at most 500 characters") }),
  hostname: text("at most 255 characters"),
  environment: z.looseObject({
    python_version: text("at most 255 characters"),
    platform: text("at most 255 characters"),
    cwd: text("working directory, at most 500 characters; must exist on the server's own host"),
  }),
  metadata: metadata.describe("any data, at most 16 KiB as JSON"),
  token: tokenArgument,
});

const endInput = z.looseObject({
  session_id: text("the id that track_session_start returned"),
  timestamp,
  event_type: z.literal("session_end").optional(),
  metadata: metadata.describe("exit_reason, exit_code and signal are understood; at most 16 KiB as JSON"),
  token: tokenArgument,
});

const startOutput = z.object({
  session_id: z.string().nullable(),
  status: z.enum(["tracked", "error"]),
  error: z.string().nullable(),
});

const endOutput = z.object({
  session_id: z.string(),
  status: z.enum(["ended", "not_found", "error"]),
  error: z.string().nullable(),
});

const healthOutput = z.object({ status: z.literal("ok"), service: z.string(), version: z.string() });

/** The name under which the service shows itself. */
export const serviceName = "session-buddy";

/** What `health_check` and `GET /health` answer. */
export function health(version: string) {
  return { status: "ok", service: serviceName, version };
}

export function createTools(track: Track, answers: Answers, version: string): ReadonlyMap<string, ServedTool> {
  const tools: ServedTool[] = [
    {
      definition: {
        name: "track_session_start",
        title: "Track the start of a session",
        description:
          "Record that a shell opened. Answers with its session_id and status 'tracked'; the same event sent again gets the same answer. " +
          "An invalid event gets status 'error' and what is wrong with it.",
        inputSchema: toSchema(startInput),
        outputSchema: toSchema(startOutput),
        annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
      },
      run: track.start,
    },
    {
      definition: {
        name: "track_session_end",
        title: "Track the end of a session",
        description:
          "Record that a shell closed. Answers with status 'ended', or 'not_found' for an id that is not on record. " +
          "The first end of a session is kept; a later one gets the same answer.",
        inputSchema: toSchema(endInput),
        outputSchema: toSchema(endOutput),
        annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false },
      },
      run: track.end,
    },
    {
      definition: {
        name: "health_check",
        title: "Check that the service answers",
        description: "Answers with status 'ok', the name and the version of the service. Takes no arguments.",
        inputSchema: toSchema(z.looseObject({})),
        outputSchema: toSchema(healthOutput),
        annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
      },
      run: async () => ({ answer: health(version), failure: null }),
    },
    ...createQuestionTools(answers),
  ];
  return new Map(tools.map((tool) => [tool.definition.name, tool]));
}

/** Exported for the test that what the parser accepts, the schemas accept. */
export const inputSchemas = { start: startInput, end: endInput };
