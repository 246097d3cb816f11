/** Owns the hosts that may send, in the embedded store. */
import type { Hosts, HostsTransaction } from "../../tracker/hosts.ts";
import {
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

export function hostsOn(connection: Connection): Hosts {
  const prepare = (sql: string) => connection.prepared(sql);
  const host = (originId: unknown) => {
    const row = prepare("SELECT * FROM hosts WHERE origin_id = ?").get(String(originId));
    return row === undefined ? null : rowToHost(row, prepare(keysOfSql).all(String(originId)));
  };
  const hostOfKey = (kid: string) => {
    const row = prepare("SELECT origin_id FROM host_keys WHERE kid = ?").get(kid);
    return row === undefined ? null : host(row.origin_id);
  };
  const transaction: HostsTransaction = {
    async invite(id) {
      const row = prepare("SELECT * FROM host_invites WHERE id = ?").get(id);
      return row === undefined ? null : rowToInvite(row);
    },
    putInvite: async (invite) => connection.write(putSql("host_invites", inviteColumns), inviteValues(invite)),
    host: async (originId) => host(originId),
    hostOfKey: async (kid) => hostOfKey(kid),
    async putHost(changed) {
      connection.write(putSql("hosts", hostColumns), hostValues(changed));
      connection.write("DELETE FROM host_keys WHERE origin_id = ?", [changed.originId]);
      for (const values of keyValues(changed)) connection.write(addKeySql, values);
    },
  };
  return {
    changeHosts: (work) => connection.transact(() => work(transaction)),
    hostOfKey: (kid) => connection.run(() => hostOfKey(kid)),
    enrolledHosts: () =>
      connection.run(() =>
        connection.inTransaction("BEGIN", () =>
          rowsToHosts(
            prepare("SELECT * FROM hosts ORDER BY name, origin_id").all(),
            prepare("SELECT * FROM host_keys ORDER BY origin_id, place").all(),
          ),
        ),
      ),
    invites: () =>
      connection.run(() => prepare("SELECT * FROM host_invites ORDER BY created_at DESC, id").all().map(rowToInvite)),
  };
}

function putSql(table: string, columns: readonly string[]): string {
  return `INSERT OR REPLACE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
}

const keysOfSql = "SELECT * FROM host_keys WHERE origin_id = ? ORDER BY place";
/** Not over what is there: that is another host's. */
const addKeySql = `INSERT INTO host_keys (${keyColumns.join(", ")}) VALUES (${keyColumns.map(() => "?").join(", ")})`;
