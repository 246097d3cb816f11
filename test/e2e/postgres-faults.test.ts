/** Proves that nothing is lost and nothing is doubled while the database comes and goes, and that losing against others is no error. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import type { Store } from "../../src/tracker/store.ts";
import { createTracker } from "../../src/tracker/tracker.ts";
import { refusal } from "../support/refusals.ts";
import { addressOf, type Cluster, postgresPlace, sharedCluster, startCluster } from "../support/store/postgres.ts";
import { observedNothing, sampleEnd, sampleStart } from "../support/store/session-events.ts";
import { eventsIn, openAt } from "../support/store/store-place.ts";

/** Records starts, some at once, and ends; each again until it is acknowledged, as whoever delivers them does. */
async function recordLives(store: Store, lives: number): Promise<Set<string>> {
  const tracker = createTracker({ store, newEventId: randomUUID, hostname: "", directoryProblem: async () => null });
  const insist = async <T>(action: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof Error && "code" in error && String(error.code).startsWith("storage."))) throw error;
      }
    }
  };
  const live = async () => {
    const parsed = { eventId: randomUUID(), content: sampleStart };
    const { sessionId } = await insist(() => tracker.start(parsed, observedNothing));
    await insist(() => tracker.end(sessionId, sampleEnd, observedNothing));
    return sessionId;
  };
  const ids: string[] = [];
  while (ids.length < lives) ids.push(...(await Promise.all(Array.from({ length: 5 }, live))));
  return new Set(ids);
}

async function assertEachOnce(store: Store, ids: ReadonlySet<string>): Promise<void> {
  const sessions = await store.sessions({});
  assert.deepEqual(new Set(sessions.map(({ sessionId }) => sessionId)), ids);
  assert.ok(sessions.every(({ state }) => state === "ended"));
  const log = await store.events(0, 1_000_000);
  assert.deepEqual(
    log.map(({ seq }) => seq),
    log.map((_, index) => index + 1),
    "the log has a gap",
  );
  assert.equal(log.length, 2 * ids.size, "an event is there twice");
  assert.deepEqual(await store.problems(), []);
}

test("a commit that loses against others is run again, and every answer is true", async (t) => {
  const place = postgresPlace(t);
  const store = await openAt(place, t);
  const schema = new URLSearchParams(place.options.url.split("?")[1]).get("options")?.split("=")[1];
  sharedCluster().psql(`
    SET search_path = ${schema};
    CREATE SEQUENCE goes;
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('${schema}.goes') % 3 = 0 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END IF;
        RETURN NULL;
      END $$;
    CREATE CONSTRAINT TRIGGER lose AFTER UPDATE ON log_head DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose();`);
  const ids = await recordLives(store, 60);
  const goes = Number(sharedCluster().psql(`SELECT last_value FROM ${schema}.goes`));
  assert.ok(goes >= 18, `only ${goes} commits were tried, too few to have lost six`);
  await assertEachOnce(store, ids);
});

test("connections that are cut are made anew", async (t) => {
  const place = postgresPlace(t);
  const store = await openAt(place, t);
  let cuts = 0;
  const cutting = setInterval(() => {
    cuts += Number(sharedCluster().psql(cutSql));
  }, 250);
  const ids = new Set<string>();
  while (cuts < 10) for (const id of await recordLives(store, 10)) ids.add(id);
  clearInterval(cutting);
  await assertEachOnce(store, ids);
});

test("a server that is restarted, and one that crashes, keep what was acknowledged", async () => {
  const cluster = startCluster({ fsync: "on" });
  cluster.psql("CREATE SCHEMA kept");
  const store = await openPostgresStore({ url: addressOf(cluster, "kept") });
  try {
    const recorded = recordLives(store, 150);
    for (const mode of ["immediate", "fast", "immediate"] as const) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      cluster.stop(mode);
      cluster.start();
    }
    await assertEachOnce(store, await recorded);
  } finally {
    await store.close();
  }
});

test("a commit whose answer is lost is neither lost nor done twice", async (t) => {
  const place = postgresPlace(t);
  // The tables are there, so that what passes the proxy is the works' own.
  await (await openAt(place)).close();
  const proxy = await createCuttingProxy(t, sharedCluster(), 3);
  const url = new URL(place.options.url.replace("@/", "@localhost/"));
  url.searchParams.delete("host");
  const store = await openPostgresStore({ url: url.href.replace("localhost", `127.0.0.1:${proxy.port}`) });
  t.after(() => store.close());
  const tracker = createTracker({ store, newEventId: randomUUID, hostname: "", directoryProblem: async () => null });
  // Without an id of its own: only the store can tell whether it is on record.
  const sessions = [];
  for (let count = 0; count < 40; count += 1) {
    sessions.push(await tracker.start({ eventId: randomUUID(), content: sampleStart }, observedNothing));
  }
  assert.ok(proxy.cuts() >= 10, `only ${proxy.cuts()} answers were lost`);
  assert.equal((await eventsIn(store)).length, 40);
  assert.equal(new Set(sessions.map(({ sessionId }) => sessionId)).size, 40);
});

test("whoever waits too long for other writers is told so, and is served when they are done", async (t) => {
  const place = postgresPlace(t);
  const store = await openAt(place, t);
  const schema = new URLSearchParams(place.options.url.split("?")[1]).get("options")?.split("=")[1];
  const { folder } = sharedCluster();
  const held = `BEGIN; SELECT seq FROM ${schema}.log_head FOR UPDATE; SELECT 'held'; SELECT pg_sleep(60)`;
  const holder = spawn("psql", ["-h", folder, "-U", "tester", "-qAt", "postgres"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  t.after(() => holder.kill("SIGKILL"));
  const isHeld = new Promise((resolve) =>
    holder.stdout.on("data", (text) => String(text).includes("held") && resolve(null)),
  );
  holder.stdin.end(`${held};\n`);
  await isHeld;
  const tracker = createTracker({ store, newEventId: randomUUID, hostname: "", directoryProblem: async () => null });
  const start = () => tracker.start({ eventId: randomUUID(), content: sampleStart }, observedNothing);
  await assert.rejects(start(), refusal("storage.busy", /is locked by another program/));
  sharedCluster().psql(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND application_name = 'psql' AND pid <> pg_backend_pid()",
  );
  await start();
  assert.equal((await eventsIn(store)).length, 1);
});

test("a server that is not there is told, and what to look at", async () => {
  const words = /cannot be reached; see whether it runs, and the setting 'store'/;
  await assert.rejects(
    openPostgresStore({ url: "postgres://nobody@127.0.0.1:1/none" }),
    refusal("storage.unavailable", words),
  );
});

test("writers of killed processes hold nobody up, and leave nothing half done", async (t) => {
  const place = postgresPlace(t);
  const store = await openAt(place, t);
  const worker = join(import.meta.dirname, "../support/store/store-worker.ts");
  for (let round = 0; round < 5; round += 1) {
    const child: ChildProcess = spawn(process.execPath, [worker, JSON.stringify(place), "1000000"], {
      env: {},
      stdio: ["ignore", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, 20 * round));
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
  }
  const sessions = await store.sessions({});
  assert.equal((await eventsIn(store)).length, sessions.length);
});

const cutSql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'session-buddy'";

/** Passes bytes on, and drops the connection instead of the answer of each n-th COMMIT. */
async function createCuttingProxy(t: TestContext, cluster: Cluster, each: number) {
  let commits = 0;
  let cuts = 0;
  const server = createServer((client: Socket) => {
    const upstream = connect(join(cluster.folder, ".s.PGSQL.5432"));
    let isCut = false;
    client.on("data", (bytes) => {
      if (bytes.includes("COMMIT")) {
        commits += 1;
        isCut = commits % each === 0;
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (!isCut) return client.write(bytes);
      cuts += 1;
      client.destroy();
      return upstream.destroy();
    });
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  return { port, cuts: () => cuts };
}
