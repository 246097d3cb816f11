/** Proves that who and last show the person who logged in beside whom the shell acts as, and fit 80 columns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lastColumns, whoColumns } from "../../../../src/cli/terminal/login-columns.ts";
import { drawTable } from "../../../../src/cli/terminal/table.ts";
import { noCircumstances } from "../../../../src/tracker/circumstances.ts";
import type { ListedSession } from "../../../../src/wire/view.ts";
import { at, folded, startEvent } from "../../../support/store/session-events.ts";

const nowMs = Date.parse("2026-11-22T17:00:00Z");

function session(changes: Partial<ListedSession>, circumstances: Partial<ListedSession["circumstances"]> = {}) {
  const base: ListedSession = folded(startEvent({ timestamp: at("2026-11-22T16:15:03Z"), cwd: "/srv/shop" }));
  return {
    ...base,
    hostname: "web1",
    sessionId: "shell-20261122-161503",
    ...changes,
    circumstances: { ...noCircumstances, ...circumstances },
  };
}

const login = { loginUid: 1001, loginUser: "ann" };
const rows: readonly ListedSession[] = [
  session({ username: "ann", idleMs: 0 }, { ...login, tty: "pts/8", remote: "192.0.2.17 50022" }),
  session(
    { username: "root", idleMs: 3_725_000, cwd: "/root/a/long/way/down/to/where/nobody/looks" },
    { ...login, tty: "pts/11", uid: 0 },
  ),
  session({ username: "bob" }, { loginUid: 1002, tty: "pts/3", multiplexer: "tmux:/tmp/tmux-1002/default:%3" }),
  session({ username: "deploy" }),
];
const ended: readonly ListedSession[] = [
  session(
    { username: "ann", state: "ended", endedAt: at("2026-11-22T16:31:00Z"), durationMs: 957_000, exitCode: 0 },
    login,
  ),
  session({
    username: "bob",
    state: "orphaned",
    endedAfter: at("2026-11-22T16:20:00Z"),
    endedBefore: at("2026-11-22T16:58:00Z"),
  }),
  session({ username: "deploy" }),
];

test("who names the login, the user, the place and how long nothing was typed", () => {
  assert.deepEqual(drawTable(whoColumns(nowMs), rows, null), [
    "LOGIN  USER    TTY     FROM        SINCE                  IDLE  DIRECTORY                                    HOST  SESSION",
    "ann    ann     pts/8   192.0.2.17  2026-11-22T16:15:03Z    <1m  /srv/shop                                    web1  shell-20261122-161503",
    "ann    root    pts/11  -           2026-11-22T16:15:03Z  1h 2m  /root/a/long/way/down/to/where/nobody/looks  web1  shell-20261122-161503",
    "1002   bob     pts/3   tmux        2026-11-22T16:15:03Z      -  /srv/shop                                    web1  shell-20261122-161503",
    "-      deploy  -       -           2026-11-22T16:15:03Z      -  /srv/shop                                    web1  shell-20261122-161503",
  ]);
});

test("last has the end in place of what is seen now", () => {
  assert.deepEqual(
    drawTable(lastColumns(nowMs), ended, null).map((line) => line.replace(/ +\/srv.*| +DIRECTORY.*/, "")),
    [
      "LOGIN  USER    TTY  FROM  SINCE                 UNTIL                     LENGTH  EXIT",
      "ann    ann     -    -     2026-11-22T16:15:03Z  2026-11-22T16:31:00Z     15m 57s  0",
      "-      bob     -    -     2026-11-22T16:15:03Z  by 2026-11-22T16:58:00Z        -  -",
      "-      deploy  -    -     2026-11-22T16:15:03Z  still on                       -  -",
    ],
  );
});

test("both fit 80 columns with what matters most", () => {
  for (const [columns, shown, titles] of [
    [whoColumns(nowMs), rows, ["LOGIN", "USER", "TTY", "FROM", "SINCE", "IDLE", "DIRECTORY"]],
    [lastColumns(nowMs), ended, ["LOGIN", "USER", "SINCE", "UNTIL"]],
  ] as const) {
    const lines = drawTable(columns, shown, 80);
    for (const line of lines) assert.ok(line.length <= 80, line);
    for (const title of titles) assert.ok(lines[0]?.split(/ +/).includes(title), `${title}: ${lines[0]}`);
  }
});
