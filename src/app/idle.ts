/** Owns how long nothing was typed in open sessions, as far as this machine sees their terminals. */
import type { Machine } from "../host/machine.ts";
import { lastTypedMs } from "../host/terminal-use.ts";
import type { Session } from "../tracker/fold.ts";
import { instantToMs } from "../tracker/instant.ts";
import type { ListedSession } from "../wire/view.ts";

/**
 * @param container - what this program is in itself, `ownContainer`
 * @returns the session with what is seen of its terminal now
 */
export function withIdle(
  session: Session,
  machine: Pick<Machine, "hostId" | "bootId" | "processes">,
  container: string | null,
): Session & Pick<ListedSession, "idleMs"> {
  const { tty } = session.circumstances;
  if (tty === null || session.circumstances.container !== container || !isSeen(session, machine)) return session;
  const typedMs = lastTypedMs(tty);
  if (typedMs === null) return session;
  // A terminal may have been there before the shell.
  const sinceMs = Math.max(typedMs, instantToMs(session.startedAt));
  return { ...session, idleMs: Math.max(0, Math.round(Date.now() - sinceMs)) };
}

/** Elsewhere, as in another container, the same name is another terminal. */
function isSeen(session: Session, { hostId, bootId, processes }: Pick<Machine, "hostId" | "bootId" | "processes">) {
  const { state, process, origin } = session;
  // Of what another record delivered, all is that one's word.
  if (origin !== null || state !== "active" || process === null || process.hostId === null) return false;
  const isHere = process.hostId === hostId && process.bootId === bootId;
  return isHere && process.pidNamespace === processes.pidNamespace();
}
