/**
 * Owns the tables of the embedded store and how an older file becomes a newer one. Loaded where a file needs a step.
 *
 * Longer than 250 lines because a step that was released stays as it is, and is read beside those before it.
 */
import type { DatabaseSync } from "node:sqlite";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { foldSession } from "../../tracker/fold.ts";
import { rowToEvent } from "../rows.ts";
import { deliveryTables } from "./delivery-tables.ts";
import { putSql, sessionNames, sessionToValues } from "./rows.ts";
import { applicationId, isMarked, readPragma, schemaVersion } from "./schema.ts";

/**
 * Forward-only steps; a file at version n has had the first n. A released step is never edited.
 * Times are text of a fixed width (see `tracker/instant.ts`), so that their order is the order of time.
 *
 * The history has one index for every set of names that can be asked for together, each by span class and then in the
 * order of the answer, so that a page of any of them is a few short ranges (`query.ts`). By login user and by terminal
 * there is one index each, which has the other names too: whatever else is asked for is told by the index.
 */
export const migrations: readonly (string | ((database: DatabaseSync) => void))[] = [
  `CREATE TABLE events (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     event_id TEXT NOT NULL UNIQUE,
     session_id TEXT NOT NULL,
     kind TEXT NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE INDEX events_by_session ON events (session_id);
   CREATE TABLE pruned_sessions (
     session_id TEXT PRIMARY KEY,
     start_event_id TEXT NOT NULL UNIQUE
   ) STRICT, WITHOUT ROWID;
   CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
   CREATE TRIGGER events_go_with_their_session BEFORE DELETE ON events
     WHEN NOT EXISTS (SELECT 1 FROM pruned_sessions WHERE session_id = OLD.session_id)
     BEGIN SELECT RAISE(ABORT, 'events are append-only; only a whole session can be pruned'); END;
   CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
     WHEN EXISTS (SELECT 1 FROM events WHERE event_id = NEW.event_id)
       OR EXISTS (SELECT 1 FROM pruned_sessions WHERE start_event_id = NEW.event_id OR session_id = NEW.session_id)
     BEGIN SELECT RAISE(ABORT, 'the event is, or was, on record'); END;
   CREATE TRIGGER pruned_sessions_are_not_changed BEFORE UPDATE ON pruned_sessions
     BEGIN SELECT RAISE(ABORT, 'ids of pruned sessions are kept'); END;
   CREATE TRIGGER pruned_sessions_are_kept BEFORE DELETE ON pruned_sessions
     BEGIN SELECT RAISE(ABORT, 'ids of pruned sessions are kept'); END;
   CREATE TABLE sessions (
     session_id TEXT PRIMARY KEY,
     state TEXT NOT NULL,
     component_name TEXT NOT NULL,
     shell_type TEXT NOT NULL,
     pid INTEGER NOT NULL,
     hostname TEXT NOT NULL,
     username TEXT NOT NULL,
     home TEXT NOT NULL,
     cwd TEXT NOT NULL,
     platform TEXT NOT NULL,
     started_at TEXT NOT NULL,
     ended_at TEXT,
     ended_after TEXT,
     ended_before TEXT,
     closed_at TEXT GENERATED ALWAYS AS (coalesce(ended_at, ended_before)) VIRTUAL,
     span_class INTEGER NOT NULL,
     duration_ms INTEGER,
     duration_basis TEXT,
     exit_code INTEGER,
     end_reason TEXT,
     signal TEXT,
     host_id TEXT,
     boot_id TEXT,
     pid_namespace TEXT,
     process_pid INTEGER,
     start_ticks TEXT,
     executable TEXT,
     start_event_id TEXT NOT NULL,
     end_event_id TEXT
   ) STRICT;
   CREATE INDEX sessions_by_span ON sessions (span_class, started_at, session_id);
   CREATE INDEX sessions_by_username ON sessions (username, span_class, started_at, session_id);
   CREATE INDEX sessions_by_hostname ON sessions (hostname, span_class, started_at, session_id);
   CREATE INDEX sessions_by_component ON sessions (component_name, span_class, started_at, session_id);
   CREATE INDEX sessions_by_username_hostname ON sessions (username, hostname, span_class, started_at, session_id);
   CREATE INDEX sessions_by_username_component ON sessions (username, component_name, span_class, started_at, session_id);
   CREATE INDEX sessions_by_hostname_component ON sessions (hostname, component_name, span_class, started_at, session_id);
   CREATE INDEX sessions_by_username_hostname_component ON sessions (username, hostname, component_name, span_class, started_at, session_id);
   CREATE INDEX sessions_by_cwd ON sessions (cwd, span_class, started_at, session_id, username, hostname, component_name);
   CREATE INDEX sessions_by_end ON sessions (closed_at) WHERE closed_at IS NOT NULL;`,
  // Who told an end was not recorded before; a process that lives on as another program is a state of its own since.
  `ALTER TABLE sessions ADD COLUMN ended_by TEXT;
   UPDATE sessions SET ended_by = 'unknown' WHERE state = 'ended';
   UPDATE sessions SET ended_by = 'kernel' WHERE state = 'orphaned';
   UPDATE sessions SET state = 'replaced', span_class = span_class + 20
     WHERE state = 'orphaned' AND end_reason = 'executable_replaced';`,
  `ALTER TABLE sessions ADD COLUMN exe_id TEXT;
   ALTER TABLE sessions ADD COLUMN comm TEXT;`,
  foldBoundedEnds,
  // Nothing is known of the circumstances of earlier sessions.
  `ALTER TABLE sessions ADD COLUMN uid INTEGER;
   ALTER TABLE sessions ADD COLUMN tty TEXT;
   ALTER TABLE sessions ADD COLUMN login_uid INTEGER;
   ALTER TABLE sessions ADD COLUMN login_user TEXT;
   ALTER TABLE sessions ADD COLUMN audit_session INTEGER;
   ALTER TABLE sessions ADD COLUMN systemd_session TEXT;
   ALTER TABLE sessions ADD COLUMN parent_session TEXT;
   ALTER TABLE sessions ADD COLUMN via TEXT;
   ALTER TABLE sessions ADD COLUMN multiplexer TEXT;
   ALTER TABLE sessions ADD COLUMN container TEXT;
   ALTER TABLE sessions ADD COLUMN remote TEXT;
   ALTER TABLE sessions ADD COLUMN terminal_program TEXT;
   ALTER TABLE sessions ADD COLUMN owner_uid INTEGER;
   ALTER TABLE sessions ADD COLUMN verified INTEGER;
   CREATE INDEX sessions_by_login_user ON sessions (login_user, span_class, started_at, session_id, username, hostname, component_name, tty)
     WHERE login_user IS NOT NULL;
   CREATE INDEX sessions_by_tty ON sessions (tty, span_class, started_at, session_id, username, hostname, component_name, login_user)
     WHERE tty IS NOT NULL;
   CREATE INDEX sessions_by_open_process ON sessions (process_pid, host_id) WHERE span_class = 0;
   CREATE INDEX sessions_by_login ON sessions (audit_session, host_id, started_at) WHERE remote IS NOT NULL;`,
  // What other records deliver.
  `ALTER TABLE sessions ADD COLUMN origin_id TEXT;
   ALTER TABLE sessions ADD COLUMN origin_session_id TEXT;
   CREATE INDEX sessions_by_origin ON sessions (origin_id, origin_session_id, started_at) WHERE origin_id IS NOT NULL;
   CREATE TABLE origins (origin_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE parked_events (
     origin_id TEXT NOT NULL,
     key TEXT NOT NULL,
     stream TEXT NOT NULL,
     seq INTEGER NOT NULL,
     code TEXT NOT NULL,
     error TEXT NOT NULL,
     start_event_id TEXT,
     body TEXT,
     parked_at TEXT NOT NULL,
     PRIMARY KEY (origin_id, key)
   ) STRICT;
   CREATE INDEX parked_events_by_start ON parked_events (origin_id, start_event_id) WHERE start_event_id IS NOT NULL;
   CREATE TABLE origin_losses (
     origin_id TEXT NOT NULL,
     stream TEXT NOT NULL,
     from_seq INTEGER NOT NULL,
     to_seq INTEGER NOT NULL,
     events INTEGER NOT NULL,
     why TEXT NOT NULL,
     told_at TEXT NOT NULL,
     PRIMARY KEY (origin_id, stream, from_seq, to_seq)
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE host_invites (
     id TEXT PRIMARY KEY,
     secret_hash TEXT NOT NULL,
     name TEXT NOT NULL,
     username TEXT,
     created_at TEXT NOT NULL,
     expires_at TEXT NOT NULL,
     wrong_secrets INTEGER NOT NULL,
     used_by TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE hosts (
     origin_id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     username TEXT,
     hostname TEXT NOT NULL,
     invite_id TEXT NOT NULL,
     enrolled_at TEXT NOT NULL,
     revoked_at TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE host_keys (
     kid TEXT PRIMARY KEY,
     origin_id TEXT NOT NULL,
     x TEXT NOT NULL,
     state TEXT NOT NULL,
     added_at TEXT NOT NULL,
     place INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX host_keys_by_origin ON host_keys (origin_id, place);`,
  deliveryTables,
];

/** Ends that were told for a time after a proof of death lie no later than that proof since. */
function foldBoundedEnds(database: DatabaseSync): void {
  const bounded = database.prepare(
    "SELECT session_id AS id FROM events WHERE kind = 'death' INTERSECT SELECT session_id FROM events WHERE kind = 'end'",
  );
  const eventsOf = database.prepare("SELECT * FROM events WHERE session_id = ? ORDER BY seq");
  // The columns of later steps are not there yet.
  const columns = new Set(
    database
      .prepare("PRAGMA table_info(sessions)")
      .all()
      .map(({ name }) => name),
  );
  const isThere = sessionNames.map((name) => columns.has(name));
  const put = database.prepare(putSql(sessionNames.filter((_, at) => isThere[at])));
  for (const { id = null } of bounded.all()) {
    const session = foldSession(eventsOf.all(id).map(rowToEvent));
    if (session !== null) put.run(...sessionToValues(session).filter((_, at) => isThere[at]));
  }
}

/**
 * Refuses what may not be migrated, before anything in the file is changed.
 *
 * @throws SessionBuddyError `storage.newer` when a newer program wrote the file, `storage.corrupt` when it is not ours
 */
export function requireOurs(database: DatabaseSync, path: string): void {
  // One snapshot, so that a migration that commits meanwhile is seen whole or not at all.
  database.exec("BEGIN");
  try {
    requireKnown(database, path);
  } finally {
    database.exec("COMMIT");
  }
}

/**
 * Refuses a file that holds no record, or a newer one; an empty file too.
 *
 * @throws SessionBuddyError `storage.newer`, `storage.corrupt`
 */
export function requireRecord(database: DatabaseSync, path: string): void {
  if (!isMarked(database)) throw new SessionBuddyError("storage.corrupt", `${path} is not a record of session-buddy`);
  requireKnown(database, path);
}

/**
 * Brings the file to {@link schemaVersion}. Runs inside one immediate transaction, so that of many processes one does
 * the work and the others find it done.
 *
 * @throws SessionBuddyError `storage.newer` when a newer program wrote the file, `storage.corrupt` when it is not ours
 */
export function migrate(database: DatabaseSync, path: string): void {
  const version = requireKnown(database, path);
  for (const step of migrations.slice(version)) {
    if (typeof step === "string") database.exec(step);
    else step(database);
  }
  database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${schemaVersion}`);
}

/** @returns the version of the file's tables, 0 for an empty file. */
function requireKnown(database: DatabaseSync, path: string): number {
  const version = readPragma(database, "user_version");
  const isOurs = isMarked(database);
  if (isOurs && version > schemaVersion) {
    throw new SessionBuddyError(
      "storage.newer",
      `${path} was written by a newer session-buddy (schema ${version}, this one knows ${schemaVersion}); update session-buddy`,
    );
  }
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n;
  if (!isOurs && (version !== 0 || tables !== 0)) {
    throw new SessionBuddyError(
      "storage.corrupt",
      `${path} is a database of another program; move it away, or set SESSION_BUDDY_HOME to another folder`,
    );
  }
  return version;
}
