/** A PostgreSQL of the test's own: on a Unix socket, in a temporary folder, gone with the process. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chownSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { TestContext } from "node:test";
import { migrations, schemaVersion } from "../../../src/store/postgres/schema.ts";
import { newestPostgres } from "../packages.ts";
import type { StorePlace } from "./store-place.ts";

/** A running server. */
export interface Cluster {
  /** The folder of its socket. */
  readonly folder: string;
  /** Runs SQL in its database `postgres`. @returns what psql prints, without headings */
  psql(sql: string): string;
  /** @param mode - `fast` ends its connections, `immediate` is as a crash */
  stop(mode: "fast" | "immediate"): void;
  start(): void;
}

/** Where Debian puts the programs of each version; elsewhere they are on the PATH. */
function machinePrograms(): string {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return "";
  const [newest = ""] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return join(root, newest, "bin/");
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/**
 * The newest version comes in a package. Its files are copied, because whom the server runs as need not be able to look into
 * the checkout, and because the package has links as a list only.
 */
function newestPrograms(folder: string): string {
  const from = newestPostgres();
  const to = join(folder, "native");
  cpSync(from, to, { recursive: true });
  const links: readonly Link[] = JSON.parse(readFileSync(join(from, "pg-symlinks.json"), "utf8"));
  for (const { source, target } of links) {
    // An older npm runs the package's script, which makes them in the checkout.
    rmSync(join(folder, target), { force: true });
    symlinkSync(basename(source), join(folder, target));
  }
  return join(to, "bin/");
}

/** PostgreSQL refuses to run as root; its package makes a user. */
const asServer =
  process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : [];

function run(program: string, ...args: string[]): string {
  const [command = "", ...rest] = [...asServer, program, ...args];
  return execFileSync(command, rest, {
    encoding: "utf8",
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, LC_ALL: "C" },
  });
}

/** Which PostgreSQL: that of the machine, or the newest one. */
export type PostgresVersion = "machine" | "newest";

/** @param settings - of postgresql.conf, beside those of every test */
export function startCluster(
  settings: Readonly<Record<string, string>> = {},
  version: PostgresVersion = "machine",
): Cluster {
  const folder = mkdtempSync(join(tmpdir(), "sb-postgres-"));
  if (asServer.length > 0) {
    const ids = ["-u", "-g"].map((which) => Number(execFileSync("id", [which, "postgres"], { encoding: "utf8" })));
    chownSync(folder, ids[0] ?? 0, ids[1] ?? 0);
  }
  const data = join(folder, "data");
  const programs = version === "newest" ? newestPrograms(folder) : machinePrograms();
  run(
    `${programs}initdb`,
    "--pgdata",
    data,
    "--username",
    "tester",
    "--auth",
    "trust",
    "--no-sync",
    "--encoding",
    "UTF8",
    "--locale",
    "C",
  );
  const all = {
    listen_addresses: "''",
    unix_socket_directories: `'${folder}'`,
    max_connections: "150",
    fsync: "off",
    ...settings,
  };
  const options = Object.entries(all)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(" ");
  const cluster: Cluster = {
    folder,
    psql: (sql) =>
      run(
        `${machinePrograms()}psql`,
        "--host",
        folder,
        "--username",
        "tester",
        "--no-psqlrc",
        "-qAt",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        sql,
        "postgres",
      ),
    stop: (mode) => void run(`${programs}pg_ctl`, "stop", "--pgdata", data, "--mode", mode),
    start: () =>
      void run(
        `${programs}pg_ctl`,
        "start",
        "--wait",
        "--pgdata",
        data,
        "--log",
        join(folder, "log"),
        "--options",
        options,
      ),
  };
  cluster.start();
  process.on("exit", () => {
    try {
      cluster.stop("immediate");
    } catch {
      // It was stopped by the test.
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return cluster;
}

const shared = new Map<PostgresVersion, Cluster>();

/** One server for the tests of a file, each with a schema of its own. */
export function sharedCluster(version: PostgresVersion = "machine"): Cluster {
  const cluster = shared.get(version) ?? startCluster({}, version);
  shared.set(version, cluster);
  return cluster;
}

export interface PostgresPlace extends StorePlace {
  readonly options: { readonly url: string };
}

/** A new place in the shared server. */
export function postgresPlace(t: TestContext): PostgresPlace {
  return placeIn(sharedCluster(), newSchema(t, sharedCluster()));
}

/** A new place in a server of the newest version. */
export function newestPostgresPlace(t: TestContext): PostgresPlace {
  const cluster = sharedCluster("newest");
  return placeIn(cluster, newSchema(t, cluster));
}

/**
 * A new place in the shared server where each third commit of events, and each fourth statement that changes or removes
 * sessions, loses against a transaction that is not there.
 */
export function losingPostgresPlace(t: TestContext): PostgresPlace {
  const cluster = sharedCluster();
  const schema = newSchema(t, cluster);
  const tables = migrations.join(";").replaceAll(/;\s*;/g, ";");
  cluster.psql(`SET search_path = ${schema}; ${tables}
    CREATE TABLE schema_version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL);
    INSERT INTO schema_version (version) VALUES (${schemaVersion});`);
  cluster.psql(losingSql(schema));
  return placeIn(cluster, schema);
}

/** What a transaction takes from a sequence is not given back when it is taken back. */
function losingSql(schema: string): string {
  return `
    SET search_path = ${schema};
    CREATE SEQUENCE commits;
    CREATE SEQUENCE changes;
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF nextval('${schema}.' || TG_NAME) % TG_ARGV[0]::int = 0 THEN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END IF;
        RETURN NULL;
      END $$;
    CREATE CONSTRAINT TRIGGER commits AFTER UPDATE ON log_head DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION lose(3);
    CREATE TRIGGER changes AFTER UPDATE OR DELETE ON sessions FOR EACH STATEMENT EXECUTE FUNCTION lose(4);`;
}

function newSchema(t: TestContext, cluster: Cluster): string {
  const schema = `t_${randomUUID().replaceAll("-", "")}`;
  cluster.psql(`CREATE SCHEMA ${schema}`);
  t.after(() => cluster.psql(`DROP SCHEMA ${schema} CASCADE`));
  return schema;
}

function placeIn(cluster: Cluster, schema: string): PostgresPlace {
  return {
    module: "src/store/postgres/store.ts",
    exportName: "openPostgresStore",
    options: { url: addressOf(cluster, schema) },
  };
}

export function addressOf({ folder }: Cluster, schema: string): string {
  const parameters = new URLSearchParams({ host: folder, options: `-c search_path=${schema}` });
  return `postgres://tester@/postgres?${parameters}`;
}
