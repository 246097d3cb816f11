/** A PostgreSQL of the test's own: on a Unix socket, in a temporary folder, gone with the process. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
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
function programs(): string {
  const root = "/usr/lib/postgresql";
  if (!existsSync(root)) return "";
  const [newest = ""] = readdirSync(root).sort((a, b) => Number(b) - Number(a));
  return join(root, newest, "bin/");
}

/** PostgreSQL refuses to run as root; its package makes a user. */
const asServer =
  process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] : [];

function run(program: string, ...args: string[]): string {
  const [command = "", ...rest] = [...asServer, `${programs()}${program}`, ...args];
  return execFileSync(command, rest, {
    encoding: "utf8",
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, LC_ALL: "C" },
  });
}

/** @param settings - of postgresql.conf, beside those of every test */
export function startCluster(settings: Readonly<Record<string, string>> = {}): Cluster {
  const folder = mkdtempSync(join(tmpdir(), "sb-postgres-"));
  if (asServer.length > 0) {
    const ids = ["-u", "-g"].map((which) => Number(execFileSync("id", [which, "postgres"], { encoding: "utf8" })));
    chownSync(folder, ids[0] ?? 0, ids[1] ?? 0);
  }
  const data = join(folder, "data");
  run(
    "initdb",
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
        "psql",
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
    stop: (mode) => void run("pg_ctl", "stop", "--pgdata", data, "--mode", mode),
    start: () =>
      void run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", join(folder, "log"), "--options", options),
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

let shared: Cluster | null = null;

/** One server for the tests of a file, each with a schema of its own. */
export function sharedCluster(): Cluster {
  shared ??= startCluster();
  return shared;
}

/** A new place in the shared server. */
export function postgresPlace(t: TestContext): StorePlace & { readonly options: { readonly url: string } } {
  const cluster = sharedCluster();
  const schema = `t_${randomUUID().replaceAll("-", "")}`;
  cluster.psql(`CREATE SCHEMA ${schema}`);
  t.after(() => cluster.psql(`DROP SCHEMA ${schema} CASCADE`));
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
