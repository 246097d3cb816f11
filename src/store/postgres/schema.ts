/** Owns the tables of the PostgreSQL store, and how an older database becomes a newer one. */
import type { ClientBase } from "pg";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { deliveryTables } from "./delivery-tables.ts";
import { codeOf, retryMigration } from "./errors.ts";

/**
 * Forward-only steps; a database at version n has had the first n. A released step is never edited. Each is one
 * transaction of CREATE TABLE, CREATE INDEX and ADD COLUMN alone, which other engines that speak the protocol know too.
 *
 * Names are in byte order (`COLLATE "C"`), as everywhere else. Bodies are text: neither `json` nor `jsonb` takes every text
 * that an event may have. `timestamptz` has no nanoseconds, so an instant is text, with a key cut to microseconds beside
 * it for the indexes; whoever asks by a key compares the text too.
 *
 * `log_head` is the one row that every writer locks first: events are numbered in the order of their commits, without a gap
 * that a reader could take for the end. A sequence would number them in the order of their inserts.
 */
export const migrations: readonly string[] = [
  `CREATE TABLE log_head (
     one boolean PRIMARY KEY DEFAULT true CHECK (one),
     seq bigint NOT NULL,
     store_id uuid NOT NULL
   );
   INSERT INTO log_head (seq, store_id) VALUES (0, gen_random_uuid());
   CREATE TABLE events (
     seq bigint PRIMARY KEY,
     event_id uuid NOT NULL UNIQUE,
     session_id text COLLATE "C" NOT NULL,
     kind text COLLATE "C" NOT NULL,
     origin_id text COLLATE "C",
     stream uuid,
     origin_seq bigint,
     received_at timestamptz NOT NULL DEFAULT now(),
     body text COLLATE "C" NOT NULL
   );
   CREATE INDEX events_by_session ON events (session_id);
   CREATE TABLE pruned_sessions (
     session_id text COLLATE "C" PRIMARY KEY,
     start_event_id uuid NOT NULL UNIQUE
   );
   CREATE TABLE sessions (
     session_id text COLLATE "C" PRIMARY KEY,
     state text COLLATE "C" NOT NULL,
     component_name text COLLATE "C" NOT NULL,
     shell_type text COLLATE "C" NOT NULL,
     pid bigint NOT NULL,
     hostname text COLLATE "C" NOT NULL,
     username text COLLATE "C" NOT NULL,
     home text COLLATE "C" NOT NULL,
     cwd text COLLATE "C" NOT NULL,
     platform text COLLATE "C" NOT NULL,
     started_at text COLLATE "C" NOT NULL,
     ended_at text COLLATE "C",
     ended_after text COLLATE "C",
     ended_before text COLLATE "C",
     duration_ms bigint,
     duration_basis text COLLATE "C",
     exit_code bigint,
     end_reason text COLLATE "C",
     signal text COLLATE "C",
     ended_by text COLLATE "C",
     owner_uid bigint,
     verified bigint,
     start_event_id uuid NOT NULL,
     end_event_id uuid,
     host_id text COLLATE "C",
     boot_id text COLLATE "C",
     pid_namespace text COLLATE "C",
     process_pid bigint,
     start_ticks text COLLATE "C",
     executable text COLLATE "C",
     exe_id text COLLATE "C",
     comm text COLLATE "C",
     uid bigint,
     tty text COLLATE "C",
     login_uid bigint,
     login_user text COLLATE "C",
     audit_session bigint,
     systemd_session text COLLATE "C",
     parent_session text COLLATE "C",
     via text COLLATE "C",
     multiplexer text COLLATE "C",
     container text COLLATE "C",
     remote text COLLATE "C",
     terminal_program text COLLATE "C",
     started_key timestamptz NOT NULL,
     closed_key timestamptz,
     span_key bigint NOT NULL
   );
   CREATE INDEX sessions_by_start ON sessions (started_key);
   CREATE INDEX sessions_by_state ON sessions (state, started_key);
   CREATE INDEX sessions_by_username ON sessions (username, started_key);
   CREATE INDEX sessions_by_hostname ON sessions (hostname, started_key);
   CREATE INDEX sessions_by_component ON sessions (component_name, started_key);
   CREATE INDEX sessions_by_username_hostname ON sessions (username, hostname, started_key);
   CREATE INDEX sessions_by_username_component ON sessions (username, component_name, started_key);
   CREATE INDEX sessions_by_hostname_component ON sessions (hostname, component_name, started_key);
   CREATE INDEX sessions_by_cwd ON sessions (cwd, started_key);
   CREATE INDEX sessions_by_login_user ON sessions (login_user, started_key) WHERE login_user IS NOT NULL;
   CREATE INDEX sessions_by_tty ON sessions (tty, started_key) WHERE tty IS NOT NULL;
   CREATE INDEX sessions_by_span ON sessions (span_key);
   CREATE INDEX sessions_by_end ON sessions (closed_key) WHERE closed_key IS NOT NULL;
   CREATE INDEX sessions_by_open_process ON sessions (host_id, process_pid) WHERE state = 'active';
   CREATE INDEX sessions_by_login ON sessions (audit_session, host_id, started_key) WHERE remote IS NOT NULL;`,
  // What other records deliver.
  `ALTER TABLE sessions ADD COLUMN origin_id text COLLATE "C";
   ALTER TABLE sessions ADD COLUMN origin_session_id text COLLATE "C";
   CREATE INDEX sessions_by_origin ON sessions (origin_id, origin_session_id, started_key) WHERE origin_id IS NOT NULL;
   CREATE TABLE origins (origin_id text COLLATE "C" PRIMARY KEY, body text COLLATE "C" NOT NULL);
   CREATE TABLE parked_events (
     origin_id text COLLATE "C" NOT NULL,
     key text COLLATE "C" NOT NULL,
     stream text COLLATE "C" NOT NULL,
     seq bigint NOT NULL,
     code text COLLATE "C" NOT NULL,
     error text COLLATE "C" NOT NULL,
     start_event_id text COLLATE "C",
     body text COLLATE "C",
     parked_at text COLLATE "C" NOT NULL,
     PRIMARY KEY (origin_id, key)
   );
   CREATE INDEX parked_events_by_start ON parked_events (origin_id, start_event_id) WHERE start_event_id IS NOT NULL;
   CREATE TABLE origin_losses (
     origin_id text COLLATE "C" NOT NULL,
     stream text COLLATE "C" NOT NULL,
     from_seq bigint NOT NULL,
     to_seq bigint NOT NULL,
     events bigint NOT NULL,
     why text COLLATE "C" NOT NULL,
     told_at text COLLATE "C" NOT NULL,
     PRIMARY KEY (origin_id, stream, from_seq, to_seq)
   );`,
  `CREATE TABLE host_invites (
     id text COLLATE "C" PRIMARY KEY,
     secret_hash text COLLATE "C" NOT NULL,
     name text COLLATE "C" NOT NULL,
     username text COLLATE "C",
     created_at text COLLATE "C" NOT NULL,
     expires_at text COLLATE "C" NOT NULL,
     wrong_secrets bigint NOT NULL,
     used_by text COLLATE "C"
   );
   CREATE TABLE hosts (
     origin_id text COLLATE "C" PRIMARY KEY,
     name text COLLATE "C" NOT NULL,
     username text COLLATE "C",
     hostname text COLLATE "C" NOT NULL,
     invite_id text COLLATE "C" NOT NULL,
     enrolled_at text COLLATE "C" NOT NULL,
     revoked_at text COLLATE "C"
   );
   CREATE TABLE host_keys (
     kid text COLLATE "C" PRIMARY KEY,
     origin_id text COLLATE "C" NOT NULL,
     x text COLLATE "C" NOT NULL,
     state text COLLATE "C" NOT NULL,
     added_at text COLLATE "C" NOT NULL,
     place bigint NOT NULL
   );
   CREATE INDEX host_keys_by_origin ON host_keys (origin_id, place);`,
  deliveryTables,
];

/** The version that this program reads and writes. */
export const schemaVersion = migrations.length;

/**
 * Brings the database to {@link schemaVersion}. Of many processes one does the work while the others wait for it. A
 * database that is there already is read only, so that a role without the right to make tables will do.
 *
 * @param place - what to call the database in a message
 * @throws SessionBuddyError `storage.newer` when a newer program has written it
 */
export async function migrate(client: ClientBase, place: string): Promise<void> {
  if ((await versionOf(client, place)) === schemaVersion) return;
  await retryMigration(async () => {
    await client.query(`
      CREATE TABLE IF NOT EXISTS schema_version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version int NOT NULL)`);
    await client.query("INSERT INTO schema_version (version) VALUES (0) ON CONFLICT (one) DO NOTHING");
    await client.query("BEGIN");
    try {
      // Waits for whoever migrates.
      const { rows } = await client.query("SELECT version FROM schema_version FOR UPDATE");
      const version = requireKnown(rows[0].version, place);
      for (const step of migrations.slice(version)) await client.query(step);
      await client.query("UPDATE schema_version SET version = $1", [schemaVersion]);
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    }
    const { command } = await client.query("COMMIT");
    if (command !== "COMMIT") throw new Error("the migration was rolled back");
  });
}

/** @returns 0 where there are no tables yet */
async function versionOf(client: ClientBase, place: string): Promise<number> {
  try {
    const { rows } = await client.query("SELECT version FROM schema_version");
    return requireKnown(rows[0]?.version ?? 0, place);
  } catch (error) {
    if (codeOf(error) === undefinedTable) return 0;
    throw error;
  }
}

const undefinedTable = "42P01";

function requireKnown(version: number, place: string): number {
  if (version <= schemaVersion) return version;
  throw new SessionBuddyError(
    "storage.newer",
    `${place} was written by a newer session-buddy (schema ${version}, this one knows ${schemaVersion}); update session-buddy`,
  );
}
