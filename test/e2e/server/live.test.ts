/** Proves the live stream: what is told on it, how it is taken up again, how many there may be, and when one ends. */
import assert from "node:assert/strict";
import { type IncomingMessage, request } from "node:http";
import { type TestContext, test } from "node:test";
import type { OpenLive } from "../../../src/app/live.ts";
import { createLiveStreams, type LiveLimits, usualLiveLimits } from "../../../src/server/web/live.ts";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { createSandbox, type RunningServer } from "../../support/sandbox.ts";
import { openEntrance } from "../../support/server/entrance.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";

interface Message {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly data: Readonly<Record<string, unknown>> | null;
}

interface Stream {
  readonly response: IncomingMessage;
  /** What has come so far. */
  readonly messages: readonly Message[];
  /** Comments that have come so far. */
  comments(): number;
  isOver(): boolean;
  close(): void;
}

type Headers = Readonly<Record<string, string>>;

function open(t: TestContext, url: string, path = "/v1/live", headers: Headers = {}): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, url), { headers, agent: false });
    t.after(() => asked.destroy());
    asked.on("error", reject).end();
    asked.on("response", (response) => {
      const messages: Message[] = [];
      let [text, comments, isOver] = ["", 0, false];
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        const parts = text.split("\n\n");
        text = parts.pop() ?? "";
        for (const part of parts) {
          if (part.startsWith(":")) comments += 1;
          else messages.push(parsed(part));
        }
      });
      response.on("error", () => {});
      response.on("close", () => {
        isOver = true;
      });
      resolve({ response, messages, comments: () => comments, isOver: () => isOver, close: () => asked.destroy() });
    });
  });
}

function parsed(part: string): Message {
  const fields = new Map(
    part.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
  );
  const data = fields.get("data");
  return { event: fields.get("event"), id: fields.get("id"), data: data === undefined ? null : JSON.parse(data) };
}

async function start(
  { url }: RunningServer,
  changes: Readonly<Record<string, unknown>> = {},
  headers: Headers = {},
): Promise<string> {
  const { body } = await ask(url, { headers, body: toolCall(1, "track_session_start", startArguments(changes)) });
  return JSON.parse(body).result.structuredContent.session_id;
}

const records = ({ messages }: Stream) => messages.filter(({ event }) => event === "record");

test("what comes on record is told, with the place from which a stream is taken up again", async (t) => {
  const server = await createSandbox(t).serve();
  const before = await start(server);
  const stream = await open(t, server.url);
  assert.equal(stream.response.statusCode, 200);
  assert.equal(stream.response.headers["content-type"], "text/event-stream");
  await eventually(() => assert.equal(stream.messages[0]?.event, "hello"));
  const id = await start(server, { component_name: "next" });
  await eventually(() => assert.equal(records(stream).length, 1));
  const told = records(stream)[0];
  assert.deepEqual([told?.data?.session_id, told?.data?.kind], [id, "start"]);
  const [logId, seq] = String(told?.id).split(":");
  assert.equal(String(told?.data?.seq), seq);
  stream.close();
  const missed = await start(server, { component_name: "missed" });
  const again = await open(t, server.url, "/v1/live", { "Last-Event-ID": String(told?.id) });
  await eventually(() =>
    assert.deepEqual(
      records(again).map(({ data }) => data?.session_id),
      [missed],
    ),
  );
  const whole = await open(t, server.url, "/v1/live?from=0");
  await eventually(() =>
    assert.deepEqual(
      records(whole).map(({ data }) => data?.session_id),
      [before, id, missed],
    ),
  );
  const other = await open(t, server.url, "/v1/live", { "Last-Event-ID": `${logId}x:1` });
  await eventually(() => assert.equal(other.messages[0]?.event, "resync"));
  assert.deepEqual(records(other), []);
  for (const path of ["/v1/live?from=-1", "/v1/live?from=x", "/v1/live?from="]) {
    assert.equal((await open(t, server.url, path)).response.statusCode, 400, path);
  }
  // A server that stops ends them, and is not held up.
  assert.equal((await server.stop()).status, 0);
  assert.ok(again.isOver() && whole.isOver() && other.isOver());
});

test("a token tells its user's events alone, and the stream ends with it", async (t) => {
  const server = await createSandbox(t).serve({ SESSION_BUDDY_SECRET: secret });
  const bearer = async (changes: Readonly<Record<string, unknown>>) => ({
    Authorization: `Bearer ${await tokenMakers.jose(claims({ ...changes }))}`,
  });
  const writer = await bearer({});
  const stream = await open(t, server.url, "/v1/live", await bearer({ user_id: "ann", scope: "read:own" }));
  await eventually(() => assert.equal(stream.messages[0]?.event, "hello"));
  const user = (username: string) => ({ user: { username, home: "" }, component_name: username });
  await start(server, user("bob"), writer);
  const own = await start(server, user("ann"), writer);
  await eventually(() =>
    assert.deepEqual(
      records(stream).map(({ data }) => data?.session_id),
      [own],
    ),
  );
  const short = await open(t, server.url, "/v1/live", await bearer({ exp: Math.ceil(Date.now() / 1000) + 1 }));
  assert.equal(short.response.statusCode, 200);
  await eventually(() => assert.ok(short.isOver()));
  assert.ok(!stream.isOver());
});

/** Streams of the entrance in this process; each tells one hello and then nothing, or as much as is taken. */
async function openStreams(t: TestContext, limits: Partial<LiveLimits>, isFlood = false, holder: string | null = null) {
  const opened: AbortSignal[] = [];
  let told = 0;
  const live: OpenLive = async () => ({
    holder,
    expiresAtMs: null,
    async *messages(_, stop) {
      opened.push(stop);
      const place = { logId: "log", position: 0 };
      yield { kind: "hello", place, data: { as_of: "now" } };
      for (; isFlood && !stop.aborted; told += 1)
        yield { kind: "resync", place, data: { as_of: "x".repeat(64 * 1024) } };
      if (!stop.aborted) await new Promise<void>((resolve) => stop.addEventListener("abort", () => resolve()));
    },
  });
  const streams = createLiveStreams(live, { ...usualLiveLimits, ...limits });
  const { url } = await openEntrance(t, {
    api: { tools: new Map(), live: streams, login: null, import: null, events: null, enrolment: null },
  });
  return { url, opened, streams, told: () => told };
}

test("there are so many streams, and so many of one holder; who goes makes room", async (t) => {
  const { url } = await openStreams(t, { streams: 3, streamsPerHolder: 2 });
  const [first] = [await open(t, url), await open(t, url)];
  const over = await open(t, url);
  assert.deepEqual([over.response.statusCode, over.response.headers["retry-after"]], [503, "60"]);
  first?.close();
  await eventually(async () => assert.equal((await open(t, url)).response.statusCode, 200));
});

test("a stream that is silent has comments, and one that nobody reads is given up", async (t) => {
  const quiet = await openStreams(t, { commentMs: 20 });
  const stream = await open(t, quiet.url);
  await eventually(() => assert.ok(stream.comments() >= 3));
  const flood = await openStreams(t, { slowMs: 200 }, true);
  const slow = await open(t, flood.url);
  slow.response.pause();
  await eventually(() => assert.ok(flood.opened[0]?.aborted));
  // What was not taken was not made either.
  assert.ok(flood.told() < 1_000, String(flood.told()));
});
