/** Owns the description of what is at `/v1` beside questions, and of how every path refuses. */
import { batchFormat, largestInflatedBytes, largestSentBytes, mostEventsSent, refusalCodes } from "../../wire/batch.ts";

type Json = Readonly<Record<string, unknown>>;

export const refusalSchema = {
  type: "object",
  description: "What is wrong, in a sentence; an answer to a question has its other keys too, without data.",
  properties: {
    status: { type: "string", enum: ["error"] },
    error: { type: "string" },
    code: { type: "string", description: "for hosts that deliver: what they decide by" },
    acked: { type: "integer", description: "for hosts that deliver: behind which position they continue" },
  },
  required: ["status", "error"],
};

const wait = { "Retry-After": { description: "seconds", schema: { type: "integer" } } };

function refused(description: string, more: Json = {}): Json {
  return {
    description,
    ...more,
    content: { "application/json": { schema: { $ref: "#/components/schemas/refusal" } } },
  };
}

/** What every path may answer besides. */
export const refusals: Json = {
  "400": refused("an argument breaks a rule; the sentence names it"),
  "401": refused("a token is needed, or this one is not accepted"),
  "403": refused("the scope of the token does not allow it, or the server is not for this user or by this name"),
  "404": refused("there is no such path"),
  "405": refused("the path is asked with another method"),
  "429": refused("too many calls, or too many refused tokens, from this address", { headers: wait }),
  "503": refused("the store cannot be asked, or there are too many streams"),
};

const uuid = { type: "string", format: "uuid" };
const position = { type: "integer", minimum: 0 };

function answered(properties: Json): Json {
  return object({ status: { type: "string", enum: ["ok"] }, error: { type: "null" }, ...properties });
}

/** All of them are there. */
function object(properties: Json): Json {
  return { type: "object", properties, required: Object.keys(properties) };
}

const batch = {
  type: "object",
  properties: {
    format: { type: "integer", enum: [batchFormat] },
    stream: { ...uuid, description: "names the log that the positions are of" },
    after: { ...position, description: "everything that is still there in (after, upto] is here" },
    upto: position,
    last: { ...position, description: "the newest position of the log" },
    sent_at: { type: "string", format: "date-time" },
    boot: { type: ["object", "null"], description: "the host's boot: its id, and milliseconds since then" },
    program: { type: "string", description: "the version of the program" },
    lost: {
      type: "array",
      items: { type: "object" },
      description: "events that were given up before they were delivered",
    },
    events: { type: "array", maxItems: mostEventsSent, items: { type: "object" } },
  },
  required: ["format", "stream", "after", "upto", "last", "sent_at", "events"],
};

const received = answered({
  stream: uuid,
  acked: { ...position, description: "everything up to this position has arrived" },
  stored: { type: "integer" },
  known: { type: "integer" },
  refused: {
    type: "array",
    description: "events that were kept aside; they keep none back",
    items: object({
      seq: position,
      event_id: { type: ["string", "null"] },
      code: { type: "string", enum: refusalCodes },
      error: { type: "string" },
    }),
  },
  server_time: { type: "string", format: "date-time" },
  skew_ms: { type: "integer", description: "how far the host's clock is ahead" },
});

/** What is at `/v1` beside questions. */
export const otherPaths: Json = {
  "/v1/live": {
    get: {
      operationId: "live",
      summary: "Every event as it comes on record",
      description:
        "Server-sent events: 'hello' with the place from which the stream goes on, 'record' with an event, 'resync' where the record was replaced and is to be asked anew. The id of each is LOG:SEQ. A comment comes every 20 seconds; the stream ends with its token.",
      parameters: [
        {
          name: "from",
          in: "query",
          description: "only events after this position",
          schema: { type: "integer", minimum: 0 },
        },
        {
          name: "Last-Event-ID",
          in: "header",
          description: "the id after which a stream goes on",
          schema: { type: "string" },
        },
      ],
      responses: {
        "200": { description: "the stream", content: { "text/event-stream": { schema: { type: "string" } } } },
        ...refusals,
      },
    },
  },
  "/v1/openapi.json": {
    get: {
      operationId: "openapi",
      summary: "This description",
      security: [{}],
      responses: {
        "200": { description: "OpenAPI 3.1", content: { "application/json": { schema: { type: "object" } } } },
      },
    },
  },
  "/v1/events": {
    post: {
      operationId: "deliver",
      summary: "Deliver what a host has recorded",
      description: `At most ${mostEventsSent} events and ${largestSentBytes} bytes, which may be gzip, ${largestInflatedBytes} inflated. 404 where no host is enrolled. What the code of a refusal is: unknown_host, clock, revoked, gap (continue behind 'acked'), new_stream, too_large, invalid, later.`,
      security: [{ host: [] }],
      requestBody: { required: true, content: { "application/json": { schema: batch } } },
      responses: {
        "200": { description: "what became of it", content: { "application/json": { schema: received } } },
        ...refusals,
        "409": refused("not what comes next of this log: the code says how to go on"),
        "413": refused("too large: send less at once"),
        "415": refused("another Content-Encoding than gzip"),
        "422": refused("not a batch"),
      },
    },
  },
  "/v1/events/position": {
    get: {
      operationId: "position",
      summary: "How far a host's log has arrived",
      security: [{ host: [] }],
      parameters: [{ name: "stream", in: "query", required: true, description: "the name of the log", schema: uuid }],
      responses: {
        "200": {
          description: "everything up to this position has arrived",
          content: { "application/json": { schema: answered({ acked: { type: "integer" } }) } },
        },
        ...refusals,
        "422": refused("not the name of a log"),
      },
    },
  },
  "/v1/enroll": enrolment("enroll", "Let a host in by its invitation", [], {
    format: { type: "integer", enum: [1] },
    invite: { type: "string" },
    secret: { type: "string" },
    jwk: { type: "object", description: "the public key of the host" },
    proof: { type: "string", description: "a JWS by that key" },
    hostname: { type: "string" },
  }),
  "/v1/rotate": enrolment("rotate", "Give a host that is enrolled another key", [{ host: [] }], {
    format: { type: "integer", enum: [1] },
    jwk: { type: "object", description: "the new public key" },
    proof: { type: "string", description: "a JWS by the new key; the token is by the old one" },
  }),
  "/v1/login": ofSocket(
    "login",
    "Log in at the service of a machine",
    "With a file in its spool, whose owner is who asks.",
  ),
  "/v1/import": ofSocket(
    "import",
    "Bring sessions of one's own record",
    "Those that are known already change nothing.",
  ),
};

function enrolment(operationId: string, summary: string, security: readonly Json[], body: Json): Json {
  return {
    post: {
      operationId,
      summary,
      security: security.length === 0 ? [{}] : security,
      requestBody: { required: true, content: { "application/json": { schema: object(body) } } },
      responses: {
        "200": {
          description: "as whom the host is known",
          content: {
            "application/json": {
              schema: answered({
                origin: { type: "string" },
                name: { type: "string" },
                username: { type: ["string", "null"], description: "whose sessions it may send; null for everybody's" },
                server_time: { type: "string", format: "date-time" },
              }),
            },
          },
        },
        ...refusals,
        "413": refused("the body is too large"),
        "415": refused("the body is not JSON"),
      },
    },
  };
}

function ofSocket(operationId: string, summary: string, description: string): Json {
  return {
    post: {
      operationId,
      summary,
      description: `${description} Over the Unix socket of the service alone; 403 elsewhere.`,
      requestBody: { required: true, content: { "application/json": { schema: { type: "object" } } } },
      responses: {
        "200": { description: "done", content: { "application/json": { schema: { type: "object" } } } },
        ...refusals,
      },
    },
  };
}
