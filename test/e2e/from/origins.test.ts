/** Proves what is shown of sessions that hosts delivered: whose record it was, until when it was heard, and nothing that was not said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createReceive } from "../../../src/app/receive.ts";
import { sessionColumns } from "../../../src/cli/terminal/session-columns.ts";
import { drawTable } from "../../../src/cli/terminal/table.ts";
import { createLog } from "../../../src/log.ts";
import type { ProcessIdentity, StartContent } from "../../../src/tracker/event.ts";
import { anyHost, hostLog, otherHost } from "../../support/delivery.ts";
import { runWell } from "../../support/rows.ts";
import { createSandbox, type Sandbox } from "../../support/sandbox.ts";
import { question } from "../../support/server/questions.ts";
import { recordHistory, withStore } from "../../support/store/history.ts";
import { at, endEvent, observedNothing, startEvent } from "../../support/store/session-events.ts";

const silentSince = "2026-03-10T12:00:00Z";

/** A shell of another machine, whose pid is one of this machine too. */
const elsewhere: ProcessIdentity = {
  hostId: "host-elsewhere",
  bootId: "boot-1",
  pidNamespace: "pid:[1]",
  pid: process.pid,
  startTicks: "1",
  executable: "/bin/bash",
  exeId: "1:1",
  comm: "bash",
};

function started(sessionId: string, from: string, start: Partial<StartContent>) {
  const observed = { ...observedNothing, process: elsewhere };
  return startEvent({ timestamp: at(from), pid: elsewhere.pid, ...start }, { sessionId, observed });
}

/** Two hosts: one was heard last in spring, the other is heard now; the centre has a session of its own. */
async function openCentre(sandbox: Sandbox): Promise<void> {
  await recordHistory(sandbox, [{ id: "of-centre", from: "2026-03-10T07:00:00Z", start: { hostname: "central" } }]);
  await withStore(sandbox, async (store) => {
    const log = createLog({ toStandardError: false, file: null });
    const closed = started("closed", "2026-03-10T07:30:00Z", { hostname: "web-01" });
    const silent = [
      started("local-1", "2026-03-10T08:00:00Z", { hostname: "web-01.example", username: "ann" }),
      closed,
      endEvent({ timestamp: at("2026-03-10T07:45:00Z") }, { sessionId: "closed" }),
    ];
    await createReceive({ store, log }, undefined, () => Date.parse(silentSince)).take(
      anyHost,
      hostLog(silent).batch(),
    );
    const heard = [started("local-1", "2026-03-10T09:00:00Z", { hostname: "web-02", username: "bob" })];
    await createReceive({ store, log }).take(otherHost, hostLog(heard).batch());
  });
}

interface Row {
  readonly session_id: string;
  readonly state: string;
  readonly hostname: string;
  readonly origin: { readonly id: string; readonly name: string | null; readonly session_id: string } | null;
  readonly as_of: string | null;
}

test("sessions of hosts say whose they are, and those of a silent one as of when they are open", async (t) => {
  const [central, reader] = [createSandbox(t), createSandbox(t)];
  await openCentre(central);
  const server = await central.serve();
  const from = ["--from", new URL(server.url).origin];
  const rows: readonly Row[] = JSON.parse(await runWell(reader, ["list", "--all", "--json", ...from]));
  const [bobs, anns, closed, own] = rows;
  assert.deepEqual(
    [bobs, anns, closed, own].map((row) => [row?.hostname, row?.state, row?.origin?.name, row?.origin?.session_id]),
    [
      ["web-02", "active", "web-02", "local-1"],
      ["web-01.example", "active", "web-01", "local-1"],
      ["web-01", "ended", "web-01", "closed"],
      ["central", "active", undefined, undefined],
    ],
  );
  assert.deepEqual([anns?.as_of, closed?.as_of, own?.as_of], ["2026-03-10T12:00:00Z", null, null]);
  assert.ok(Date.parse(String(bobs?.as_of)) > Date.parse(silentSince));
  assert.deepEqual(JSON.parse(await runWell(central, ["list", "--all", "--json"])), rows);

  const table = await runWell(reader, ["list", "--all", ...from]);
  assert.match(table, /^SESSION +STATE +AS OF .*HOST/);
  assert.match(
    table,
    new RegExp(`^${anns?.session_id} +active +2026-03-10T12:00:00Z .* web-01\\.example \\(web-01\\) `, "m"),
  );
  for (const one of [bobs, closed, own]) {
    assert.match(table, new RegExp(`^${one?.session_id} +(?:active|ended) +- .* ${one?.hostname} `, "m"));
  }
  assert.match(await runWell(reader, ["who", ...from]), /AS OF[\s\S]*2026-03-10T12:00:00Z/);
  assert.match(await runWell(reader, ["last", ...from]), /2026-03-10T12:00:00Z +still on/);
  const ofHost = JSON.parse(await runWell(reader, ["list", "--host", "web-01.example", "--json", ...from]));
  assert.deepEqual(ofHost, [anns]);
  // Where every host is heard, nothing need be said of it.
  assert.doesNotMatch(await runWell(reader, ["list", "--host", "web-02", ...from]), /AS OF/);

  const show = await runWell(reader, ["show", String(anns?.session_id), ...from]);
  assert.match(show, /^origin\.name +web-01$/m);
  assert.match(show, /^origin\.session_id +local-1$/m);
  assert.match(show, /^as_of +2026-03-10T12:00:00Z$/m);
  assert.match(await runWell(reader, ["show", "of-centre", ...from]), /^as_of +-\n[\s\S]*^origin +-$/m);
});

test("why looks at no process of this machine for what another record says, and says whose word it is", async (t) => {
  const [central, reader] = [createSandbox(t), createSandbox(t)];
  await openCentre(central);
  const server = await central.serve();
  const from = ["--from", new URL(server.url).origin];
  const [, anns]: readonly Row[] = JSON.parse(await runWell(reader, ["list", "--json", ...from]));
  const id = String(anns?.session_id);
  for (const sandbox of [central, reader]) {
    const place = sandbox === reader ? from : [];
    const row = JSON.parse(await runWell(sandbox, ["why", id, "--json", ...place]));
    assert.deepEqual(row.process_now, { state: "unknown", reason: "other_record" });
    assert.deepEqual([row.probes, row.origin, row.as_of], [[], anns?.origin, "2026-03-10T12:00:00Z"]);
    const text = await runWell(sandbox, ["why", id, ...place]);
    assert.match(
      text,
      /^origin +delivered by web-01 \(key-1\), where it is local-1; what follows is that record's word$/m,
    );
    assert.match(text, /^open as of +2026-03-10T12:00:00Z, when that record was last heard$/m);
    assert.match(
      text,
      /^process now +unknown: other_record, another record delivered it; only that one can look at it$/m,
    );
  }
  const ownRow = JSON.parse(await runWell(reader, ["why", "of-centre", "--json", ...from]));
  assert.deepEqual([ownRow.origin, ownRow.as_of], [null, null]);

  const client = await reader.httpClient(server);
  const { explanation } = (await question(client, "explain_session", { session_id: id })) as unknown as {
    explanation: Row;
  };
  assert.deepEqual([explanation.origin, explanation.as_of], [anns?.origin, anns?.as_of]);
  const page = (await question(client, "list_active_sessions", { hostname: "web-01.example" })) as unknown as {
    sessions: Row[];
  };
  assert.deepEqual(
    page.sessions.map(({ origin, as_of }) => [origin, as_of]),
    [[anns?.origin, anns?.as_of]],
  );
});

test("in a timeline, what is open on a silent host is sure until that was heard", async (t) => {
  const central = createSandbox(t);
  await openCentre(central);
  const window = ["--since", "2026-03-10T08:00:00Z", "--until", "2026-03-10T16:00:00Z"];
  const drawn = await runWell(central, ["timeline", ...window, "--host", "web-01.example", "--ascii"]);
  assert.match(drawn, /^\S+ +=+\?+$/m);
  const heard = await runWell(central, ["timeline", ...window, "--host", "web-02", "--ascii"]);
  assert.match(heard, /^\S+ +=+$/m);
});

test("where room is scarce, as of when a session is open is short", async (t) => {
  const central = createSandbox(t);
  await openCentre(central);
  const sessions = await withStore(central, (store) => store.sessions({ hostname: "web-01.example" }));
  const heard = sessions.map((session) => ({ ...session, heard: { name: "web-01", at: at(silentSince) } }));
  const lines = drawTable(sessionColumns(Date.parse("2026-11-24T12:00:00Z")), heard, 110);
  assert.match(lines.join("\n"), /AS OF +USER[\s\S]*active +03-10 12:00Z +ann +web-/);
});
