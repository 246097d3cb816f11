/** Proves that several servers keep one record in one database together: each event once, each session with an id of its own, each told alike. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { runWell } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";
import { postgresPlace } from "../support/store/postgres.ts";
import { openAt } from "../support/store/store-place.ts";

const servers = 3;
const callers = 4;
const livesEach = 8;

test("three servers on one database record every call once, answer alike, and one may be killed", async (t) => {
  const place = postgresPlace(t);
  const store = await openAt(place, t);
  const env = { SESSION_BUDDY_STORE: place.options.url };
  const sandboxes = Array.from({ length: servers }, () => createSandbox(t));
  // They make the tables at the same time.
  const running = await Promise.all(sandboxes.map((sandbox) => sandbox.serve(env)));
  const clients = await Promise.all(
    Array.from({ length: servers * callers }, (_, at) =>
      (sandboxes[at % servers] as (typeof sandboxes)[0]).httpClient(running[at % servers] as (typeof running)[0]),
    ),
  );
  type Client = (typeof clients)[0];
  const call = async (client: Client, name: string, args: Record<string, unknown>) => {
    const { structuredContent } = await client.callTool({ name, arguments: args });
    return structuredContent as Record<string, unknown>;
  };
  // One event is sent to every server at once; all others are of one second too, so that ids are looked for in it.
  const shared = startArguments();
  const same = await Promise.all(clients.map((client) => call(client, "track_session_start", shared)));
  assert.ok(same.every(({ status }) => status === "tracked"));
  assert.equal(new Set(same.map(({ session_id }) => session_id)).size, 1);
  const ids = await Promise.all(
    clients.map(async (client, at) => {
      const own: string[] = [];
      for (let life = 0; life < livesEach; life += 1) {
        const { session_id, status } = await call(client, "track_session_start", startArguments());
        assert.equal(status, "tracked");
        // Its end is told to another server.
        const other = clients[(at + 1) % clients.length] as Client;
        assert.equal((await call(other, "track_session_end", endArguments(session_id))).status, "ended");
        own.push(String(session_id));
      }
      return own;
    }),
  );
  const expected = new Set([...ids.flat(), String(same[0]?.session_id)]);
  assert.equal(expected.size, clients.length * livesEach + 1);
  const log = await store.events(0, 1_000_000);
  assert.deepEqual(
    log.map(({ seq }) => seq),
    Array.from({ length: 2 * clients.length * livesEach + 1 }, (_, at) => at + 1),
  );
  assert.deepEqual(new Set((await store.sessions({})).map(({ sessionId }) => sessionId)), expected);
  const seen = await Promise.all(
    sandboxes.map((sandbox) => runWell(sandbox, ["list", "--all", "--format", "json"], { env })),
  );
  assert.equal(new Set(seen).size, 1, "they answer differently");
  await running[0]?.stop("SIGKILL");
  const last = await eventually(() => call(clients[1] as Client, "track_session_start", startArguments()));
  assert.equal(last.status, "tracked");
  assert.equal((await store.events(0, 1_000_000)).length, log.length + 1);
});
