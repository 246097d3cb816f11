/** Owns the tables about delivery to other records, as a step made them. Released, it is never edited. */

/** How far the log was delivered. Times are milliseconds since the epoch. */
export const deliveryTables = `CREATE TABLE deliveries (
   name TEXT PRIMARY KEY,
   url TEXT NOT NULL,
   origin TEXT NOT NULL,
   stream TEXT NOT NULL,
   sent INTEGER NOT NULL,
   acked INTEGER NOT NULL,
   tries INTEGER NOT NULL,
   tried_at INTEGER,
   next_at INTEGER,
   last_ok_at INTEGER,
   last_error TEXT,
   clock_offset INTEGER NOT NULL,
   lease_id TEXT,
   leased_at INTEGER,
   leased_until INTEGER,
   kept_after INTEGER NOT NULL,
   loss_reason TEXT
 ) STRICT, WITHOUT ROWID;
 CREATE TABLE delivery_marks (
   name TEXT NOT NULL,
   at INTEGER NOT NULL,
   acked INTEGER NOT NULL,
   PRIMARY KEY (name, at)
 ) STRICT, WITHOUT ROWID;
 CREATE TABLE refused_events (
   name TEXT NOT NULL,
   event_id TEXT NOT NULL,
   seq INTEGER NOT NULL,
   code TEXT NOT NULL,
   error TEXT NOT NULL,
   at INTEGER NOT NULL,
   PRIMARY KEY (name, event_id)
 ) STRICT, WITHOUT ROWID;
 CREATE TABLE lost_events (
   name TEXT NOT NULL,
   from_seq INTEGER NOT NULL,
   to_seq INTEGER NOT NULL,
   events INTEGER NOT NULL,
   why TEXT NOT NULL,
   at INTEGER NOT NULL,
   told INTEGER NOT NULL,
   PRIMARY KEY (name, from_seq)
 ) STRICT, WITHOUT ROWID;`;
