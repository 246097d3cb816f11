/** Owns the tables about delivery to other records, as a step made them. Released, it is never edited. */

/** How far the log was delivered. Times are milliseconds since the epoch. */
export const deliveryTables = `CREATE TABLE deliveries (
   name text COLLATE "C" PRIMARY KEY,
   url text COLLATE "C" NOT NULL,
   origin text COLLATE "C" NOT NULL,
   stream text COLLATE "C" NOT NULL,
   sent bigint NOT NULL,
   acked bigint NOT NULL,
   tries bigint NOT NULL,
   tried_at bigint,
   next_at bigint,
   last_ok_at bigint,
   last_error text COLLATE "C",
   clock_offset bigint NOT NULL,
   lease_id text COLLATE "C",
   leased_at bigint,
   leased_until bigint,
   kept_after bigint NOT NULL,
   loss_reason text COLLATE "C"
 );
 CREATE TABLE delivery_marks (
   name text COLLATE "C" NOT NULL,
   at bigint NOT NULL,
   acked bigint NOT NULL,
   PRIMARY KEY (name, at)
 );
 CREATE TABLE refused_events (
   name text COLLATE "C" NOT NULL,
   event_id text COLLATE "C" NOT NULL,
   seq bigint NOT NULL,
   code text COLLATE "C" NOT NULL,
   error text COLLATE "C" NOT NULL,
   at bigint NOT NULL,
   PRIMARY KEY (name, event_id)
 );
 CREATE TABLE lost_events (
   name text COLLATE "C" NOT NULL,
   from_seq bigint NOT NULL,
   to_seq bigint NOT NULL,
   events bigint NOT NULL,
   why text COLLATE "C" NOT NULL,
   at bigint NOT NULL,
   told bigint NOT NULL,
   PRIMARY KEY (name, from_seq)
 );`;
