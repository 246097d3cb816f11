/** Owns the hosts that may send, in the PostgreSQL store. */
import type { Hosts, HostsTransaction } from "../../tracker/hosts.ts";
import {
  type HostValue,
  hostColumns,
  hostValues,
  inviteColumns,
  inviteValues,
  keyColumns,
  keyValues,
  rowsToHosts,
  rowToHost,
  rowToInvite,
} from "../hosts.ts";
import type { Connection } from "./connection.ts";
import type { Ask } from "./reading-ahead.ts";
import { fromColumns, type Row, toColumn, toText } from "./rows.ts";

export function hostsOn(connection: Connection): Hosts {
  const read: Ask = (text, values) => connection.read(text, values);
  return {
    changeHosts: (work) => connection.alone((ask) => work(transactionOver(ask))),
    hostOfKey: (kid) => hostOfKey(read, kid),
    async enrolledHosts() {
      // Keys are read after hosts: a host that comes between them is missing, none is there without its keys.
      const hosts = await rows(read, "SELECT * FROM hosts ORDER BY name, origin_id");
      return rowsToHosts(hosts, await rows(read, "SELECT * FROM host_keys ORDER BY origin_id, place"));
    },
    async invites() {
      return (await rows(read, "SELECT * FROM host_invites ORDER BY created_at DESC, id")).map(rowToInvite);
    },
  };
}

function transactionOver(ask: Ask): HostsTransaction {
  const put = (sql: string, values: readonly HostValue[]) => ask(sql, values.map(toColumn));
  return {
    async invite(id) {
      const [row] = await rows(ask, "SELECT * FROM host_invites WHERE id = $1", id);
      return row === undefined ? null : rowToInvite(row);
    },
    async putInvite(invite) {
      await put(putSql("host_invites", inviteColumns), inviteValues(invite));
    },
    host: (originId) => hostOf(ask, originId),
    hostOfKey: (kid) => hostOfKey(ask, kid),
    async putHost(host) {
      await put(putSql("hosts", hostColumns), hostValues(host));
      await put("DELETE FROM host_keys WHERE origin_id = $1", [host.originId]);
      for (const values of keyValues(host)) await put(addKeySql, values);
    },
  };
}

async function hostOf(ask: Ask, originId: string) {
  const [row] = await rows(ask, "SELECT * FROM hosts WHERE origin_id = $1", originId);
  if (row === undefined) return null;
  return rowToHost(row, await rows(ask, "SELECT * FROM host_keys WHERE origin_id = $1 ORDER BY place", originId));
}

async function hostOfKey(ask: Ask, kid: string) {
  const [row] = await rows(ask, "SELECT origin_id FROM host_keys WHERE kid = $1", kid);
  return row === undefined ? null : hostOf(ask, String(row.origin_id));
}

async function rows(ask: Ask, sql: string, ...values: readonly string[]): Promise<Row[]> {
  const found = await ask(sql, values.map(toText));
  return found.map(fromColumns);
}

function numberedFrom(columns: readonly string[]): string {
  return `(${columns.join(", ")}) VALUES (${columns.map((_, at) => `$${at + 1}`).join(", ")})`;
}

/** @param columns - the first one is the key */
function putSql(table: string, columns: readonly string[]): string {
  const [key, ...others] = columns;
  const changes = others.map((name) => `${name} = excluded.${name}`).join(", ");
  return `INSERT INTO ${table} ${numberedFrom(columns)} ON CONFLICT (${key}) DO UPDATE SET ${changes}`;
}

/** Not over what is there: that is another host's. */
const addKeySql = `INSERT INTO host_keys ${numberedFrom(keyColumns)}`;
