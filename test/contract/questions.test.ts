/** Proves that agents are answered over both transports what the command line answers, in pages that nothing moves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { allRows, type SessionRow } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";
import { type QuestionAnswer, question } from "../support/server/questions.ts";
import { type Connection, connect, transportKinds } from "../support/server/transports.ts";
import { recordHistory } from "../support/store/history.ts";

const noSession = "shell-20200101-000000";

/** Starts that are told apart by their minute; the last one is the newest. */
async function startMany({ start }: Connection, count: number, from = 0): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = from; index < from + count; index += 1) {
    const timestamp = `2026-02-06T10:${String(index).padStart(2, "0")}:00Z`;
    ids.push(String((await start({ timestamp })).session_id));
  }
  return ids;
}

function idsOf(answer: QuestionAnswer): unknown[] {
  return (answer.sessions as SessionRow[]).map((row) => row.session_id);
}

for (const kind of transportKinds) {
  test(`over ${kind}, rows are the ones of list --json, and the open ones are the active ones`, async (t) => {
    const sandbox = createSandbox(t);
    const { client, start, end } = await connect(t, sandbox, kind);
    await client.listTools();
    const { session_id: open } = await start({ component_name: "one" });
    const { session_id: closed } = await start({ component_name: "two" });
    await end(closed, { metadata: { exit_reason: "exit", exit_code: 3 } });
    const { sessions, ...all } = await question(client, "search_sessions");
    assert.deepEqual(all, { status: "ok", error: null, next_cursor: null });
    assert.deepEqual(sessions, await allRows(sandbox));
    assert.deepEqual(idsOf(await question(client, "list_active_sessions")), [open]);
    assert.deepEqual(idsOf(await question(client, "search_sessions", { states: ["ended"] })), [closed]);
  });

  test(`over ${kind}, every filter restricts, and several are joined by and`, async (t) => {
    const { client, start, end } = await connect(t, createSandbox(t), kind);
    await client.listTools();
    const environment = { python_version: "", platform: "", cwd: "/srv/web/app" };
    const early = { timestamp: "2026-02-06T08:00:00Z", user: { username: "ann", home: "" }, environment };
    const { session_id: first } = await start({ ...early, component_name: "one" });
    await end(first, { timestamp: "2026-02-06T09:00:00Z" });
    const { session_id: second } = await start({ component_name: "two", hostname: "other" });
    const cases: readonly (readonly [args: Readonly<Record<string, unknown>>, expected: unknown[]])[] = [
      [{ username: "ann" }, [first]],
      [{ hostname: "other" }, [second]],
      [{ component_name: "one" }, [first]],
      [{ cwd: "/srv" }, [first]],
      [{ cwd: "/sr" }, []],
      [{ open_since: "2026-02-06T09:30:00Z" }, [second]],
      [{ open_until: "2026-02-06T09:30:00Z" }, [first]],
      [{ open_since: "2026-02-06T08:30:00Z", open_until: "2026-02-06T08:30:00Z" }, [first]],
      [{ started_since: "2026-02-06T08:30:00+00:00" }, [second]],
      [{ username: "ann", hostname: "other" }, []],
      [{ states: ["active", "ended"] }, [second, first]],
      // A client tells nothing of where its shell was opened.
      [{ login_user: "ann" }, []],
      [{ tty: "pts/1" }, []],
    ];
    for (const [args, expected] of cases) {
      assert.deepEqual(idsOf(await question(client, "search_sessions", args)), expected, JSON.stringify(args));
    }
  });

  test(`over ${kind}, who logged in and where is asked for and answered, each with who tells it`, async (t) => {
    const sandbox = createSandbox(t);
    const circumstances = {
      kernel: { uid: 0, tty: "pts/2", loginUid: 1000, loginUser: "ann", parentSession: "login" },
      hook: { via: "sudo:ann" },
    };
    const from = "2026-02-06T08:00:00Z";
    await recordHistory(sandbox, [
      { id: "login", from },
      { id: "root", from, circumstances },
    ]);
    const { client } = await connect(t, sandbox, kind);
    await client.listTools();
    for (const args of [{ login_user: "ann" }, { tty: "pts/2" }, { login_user: "ann", tty: "pts/2" }]) {
      for (const tool of ["list_active_sessions", "search_sessions"] as const) {
        assert.deepEqual(idsOf(await question(client, tool, args)), ["root"], JSON.stringify(args));
      }
    }
    assert.deepEqual(idsOf(await question(client, "search_sessions", { login_user: "ann", tty: "pts/1" })), []);
    const [row] = (await question(client, "search_sessions", { tty: "pts/2" })).sessions as SessionRow[];
    assert.deepEqual(
      [row?.uid, row?.login_uid, row?.login_user, row?.via, row?.parent_session],
      [0, 1000, "ann", "sudo:ann", "login"],
    );
    const { explanation } = await question(client, "explain_session", { session_id: "root" });
    const told = (explanation as { circumstances: { name: string; worth: string }[] }).circumstances;
    assert.deepEqual(
      told.map(({ name, worth }) => `${name} ${worth}`),
      [
        "uid reliable",
        "tty reliable",
        "login_uid reliable",
        "login_user reliable",
        "parent_session reliable",
        "via claim",
      ],
    );
  });

  test(`over ${kind}, pages hold every session once, whatever starts meanwhile`, async (t) => {
    const connection = await connect(t, createSandbox(t), kind);
    await connection.client.listTools();
    const ids = await startMany(connection, 7);
    const seen: unknown[] = [];
    let cursor: unknown = null;
    for (let page = 0; page === 0 || cursor !== null; page += 1) {
      const answer = await question(connection.client, "list_active_sessions", { limit: 3, cursor });
      assert.equal(answer.status, "ok");
      seen.push(...idsOf(answer));
      cursor = answer.next_cursor;
      await startMany(connection, 2, 10 + 2 * page);
    }
    assert.deepEqual(seen, ids.toReversed());
  });

  test(`over ${kind}, a page holds 50 by default and 200 at most`, async (t) => {
    const connection = await connect(t, createSandbox(t), kind);
    await startMany(connection, 51);
    const first = await question(connection.client, "search_sessions");
    assert.equal(idsOf(first).length, 50);
    assert.equal(idsOf(await question(connection.client, "search_sessions", { cursor: first.next_cursor })).length, 1);
    const whole = await question(connection.client, "search_sessions", { limit: 200 });
    assert.deepEqual([idsOf(whole).length, whole.next_cursor], [51, null]);
  });

  test(`over ${kind}, a session comes with its events, and its state is explained by one of them`, async (t) => {
    const { client, start, end } = await connect(t, createSandbox(t), kind);
    await client.listTools();
    const { session_id: id } = await start();
    await end(id, { metadata: { exit_reason: "exit", exit_code: 3, note: "x" } });
    const found = await question(client, "get_session", { session_id: id });
    const events = found.events as { kind: string; event_id: string; details: Record<string, unknown> }[];
    assert.deepEqual([found.status, (found.session as SessionRow).exit_code], ["ok", 3]);
    assert.deepEqual(
      events.map((event) => event.kind),
      ["start", "end"],
    );
    assert.deepEqual(events[1]?.details, {
      timestamp: "2026-02-06T13:34:56.789012Z",
      reason: "exit",
      exit_code: 3,
      signal: null,
      metadata: { exit_reason: "exit", exit_code: 3, note: "x" },
    });
    const { explanation } = await question(client, "explain_session", { session_id: id });
    const { rank, deciding_event_id, process_now, probes } = explanation as Record<string, unknown>;
    assert.deepEqual([rank, deciding_event_id, probes], [2, events[1]?.event_id, []]);
    assert.deepEqual(process_now, { state: "unknown", reason: "not_identified" });
  });

  test(`over ${kind}, what is not on record is not found, and no error`, async (t) => {
    const { client } = await connect(t, createSandbox(t), kind);
    await client.listTools();
    for (const session_id of [noSession, "", "'; DROP TABLE sessions; --", "\0"]) {
      const session = await question(client, "get_session", { session_id });
      assert.deepEqual(session, { status: "not_found", error: null, session: null, events: [] });
      const explained = await question(client, "explain_session", { session_id });
      assert.deepEqual(explained, { status: "not_found", error: null, explanation: null });
    }
  });

  test(`over ${kind}, sessions are counted by each key, and what the limit leaves out is told`, async (t) => {
    const { client, start, end } = await connect(t, createSandbox(t), kind);
    await client.listTools();
    for (const [component_name, day] of [
      ["one", "06"],
      ["one", "07"],
      ["two", "08"],
    ] as const) {
      const timestamp = `2026-02-${day}T12:00:00Z`;
      const { session_id: id } = await start({ component_name, timestamp });
      if (component_name === "one") await end(id, { timestamp: `2026-02-${day}T13:00:00Z` });
    }
    const one = { key: "one", sessions: 2, open: 0, orphaned: 0, replaced: 0, median_ms: 3_600_000, p95_ms: 3_600_000 };
    const two = { key: "two", sessions: 1, open: 1, orphaned: 0, replaced: 0, median_ms: null, p95_ms: null };
    const ok = { status: "ok", error: null };
    assert.deepEqual(await question(client, "session_stats", { by: "component" }), {
      ...ok,
      by: "component",
      groups: [one, two],
      omitted: 0,
    });
    const limited = await question(client, "session_stats", { by: "component", limit: 1 });
    assert.deepEqual([limited.groups, limited.omitted], [[one], 1]);
    const days = await question(client, "session_stats", { by: "day", limit: 2 });
    assert.deepEqual(
      (days.groups as { key: string }[]).map(({ key }) => key),
      ["2026-02-07", "2026-02-08"],
    );
    for (const [by, key] of [
      ["user", "les"],
      ["host", "another-host"],
      ["state", "ended"],
    ] as const) {
      const { groups } = await question(client, "session_stats", { by, component_name: "one" });
      assert.deepEqual(groups, [{ ...one, key }], by);
    }
  });
}
