/** Proves that a dead mount hangs nobody else: starts there are refused in time, others served, and the server ends. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { canMountDead, mountDead } from "../../support/dead-mount.ts";
import { startArguments } from "../../support/events.ts";
import { createSandbox, type Sandbox } from "../../support/sandbox.ts";
import { answerOf } from "../../support/server/door.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";

/** Of the answers below; a server that hangs gives none. */
const deadlineMs = 30_000;

function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new Error(`${what} hangs`)), deadlineMs);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

async function openServer(sandbox: Sandbox) {
  const server = await sandbox.serve({ SESSION_BUDDY_SECRET: secret });
  const token = await tokenMakers.jose(claims());
  const start = async (cwd: string) => {
    const environment = { python_version: "", platform: "", cwd };
    const args = startArguments({ event_id: randomUUID(), hostname: hostname(), environment, token });
    const answer = answerOf(await inTime(ask(server.url, { body: toolCall(1, "track_session_start", args) }), cwd));
    return answer.result?.structuredContent;
  };
  return { server, start };
}

if (canMountDead) {
  test("starts on a dead mount are refused in time, others are served, tokens checked, and SIGTERM ends the server", async (t) => {
    const dead = await mountDead(t);
    const sandbox = createSandbox(t);
    const good = join(sandbox.folder, "good");
    mkdirSync(good);
    const { server, start } = await openServer(sandbox);
    const refusedStarts = Array.from({ length: 8 }, (_, index) => start(join(dead, String(index), "below")));
    for (const [index, answer] of (await Promise.all(refusedStarts)).entries()) {
      const sentence = `Working directory is not accessible: ${join(dead, String(index), "below")}`;
      assert.deepEqual(answer, {
        session_id: null,
        status: "error",
        error: `Session start tracking failed: Session initialization failed: ${sentence}`,
      });
    }
    for (let count = 0; count < 5; count += 1) assert.equal((await start(good))?.status, "tracked");
    assert.match(String((await start(join(good, "no")))?.error), /does not exist/);
    assert.match(String((await start(dead))?.error), /is not accessible/);
    const { status, signal } = await inTime(server.stop(), "the end");
    assert.deepEqual([status, signal], [0, null]);
    const { status: again } = await sandbox.run(["list", "--all"]);
    assert.equal(again, 0);
  });

  test("a server is told to end while a look hangs, answers it and ends", async (t) => {
    const dead = await mountDead(t);
    const sandbox = createSandbox(t);
    const { server, start } = await openServer(sandbox);
    const answer = start(dead);
    const other = answerOf(await ask(server.url, { body: toolCall(1, "health_check", {}) }));
    assert.equal(other.result?.structuredContent?.status, "ok");
    const outcome = server.stop();
    assert.match(String((await answer)?.error), /is not accessible/);
    assert.equal((await inTime(outcome, "the end")).status, 0);
  });

  test("a start that is typed for a directory there is refused in time", async (t) => {
    const dead = await mountDead(t);
    const { status, stdout, stderr } = await inTime(createSandbox(t).run(["start", "--cwd", dead]), "the start");
    assert.deepEqual(
      { status, stdout, stderr },
      {
        status: 3,
        stdout: "",
        stderr: `session-buddy: the working directory is not accessible: ${dead}; name another with --cwd\n`,
      },
    );
  });
}
