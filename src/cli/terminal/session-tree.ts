/** Owns the order of sessions in a tree: each below the session of the shell around it. */
import type { ListedSession } from "../../wire/view.ts";

/** A session and what is drawn before its id. */
export interface Branch {
  readonly session: ListedSession;
  readonly lines: string;
}

/** What the lines of a tree are drawn with, each two columns wide. */
export interface TreeLook {
  readonly more: string;
  readonly last: string;
  readonly goesOn: string;
}

export const treeLooks = {
  unicode: { more: "├ ", last: "└ ", goesOn: "│ " },
  ascii: { more: "|-", last: "`-", goesOn: "| " },
} as const satisfies Readonly<Record<string, TreeLook>>;

/**
 * Puts the sessions of an answer below those that they were opened in. One whose parent is not in the answer stands by
 * itself, and so does one of a ring, which no machine makes but a wrong record may have. Works without recursion.
 *
 * @param sessions - in the order in which neighbours stand
 */
export function toTree(sessions: readonly ListedSession[], look: TreeLook): readonly Branch[] {
  const known = new Set(sessions.map(({ sessionId }) => sessionId));
  const children = Map.groupBy(sessions, ({ sessionId, circumstances: { parentSession } }) =>
    parentSession !== null && parentSession !== sessionId && known.has(parentSession) ? parentSession : null,
  );
  const drawn = new Set<ListedSession>();
  const branches: Branch[] = [];
  const draw = (roots: readonly ListedSession[]) => {
    const waiting = roots.map((session) => ({ session, before: "", mark: "" })).reverse();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { session, before, mark } = next;
      drawn.add(session);
      branches.push({ session, lines: before + mark });
      const below = (children.get(session.sessionId) ?? []).filter((child) => !drawn.has(child));
      const inner = mark === "" ? before : before + (mark === look.last ? "  " : look.goesOn);
      const steps = below.map((child, at) => ({
        session: child,
        before: inner,
        mark: at === below.length - 1 ? look.last : look.more,
      }));
      waiting.push(...steps.reverse());
    }
  };
  draw(children.get(null) ?? []);
  for (const session of sessions) draw(drawn.has(session) ? [] : [session]);
  return branches;
}
