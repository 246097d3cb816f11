/** Owns bringing the hosts that may send, and the invitations, into another store. */
import type { Store } from "../tracker/store.ts";

/** Writes over what is there of the same hosts, so that it can be done again. */
export async function copyHosts(source: Store, target: Store): Promise<void> {
  const [hosts, invites] = [await source.enrolledHosts(), await source.invites()];
  if (hosts.length + invites.length === 0) return;
  await target.changeHosts(async (tx) => {
    for (const host of hosts) await tx.putHost(host);
    for (const invite of invites) await tx.putInvite(invite);
  });
}
