/** Storms of shells that end in every way at random; and the account of what was lost. Of one user, or of all of a machine. */
import { type ChildProcess, spawn } from "node:child_process";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { allRows, type SessionRow } from "../support/rows.ts";
import type { Sandbox } from "../support/sandbox.ts";
import type { Terminal } from "../support/shells/pty.ts";
import {
  type ExpectedRow,
  openShell,
  runLine,
  type ShellKind,
  type ShellPlan,
  shellKinds,
  startShell,
  told,
} from "../support/shells/shells.ts";
import { createTmux } from "../support/shells/tmux.ts";

const hogCount = 4;
const usuallyAlive = 20;
const settleDeadlineMs = 60_000;
const pauseMs = 200;

/** One shell's story: its name is the component name on record, which its nested shells inherit. */
export interface Story {
  readonly name: string;
  readonly kind: ShellKind;
  readonly way: string;
  readonly code: number;
}

/** How the people of a storm wait for each other. Each story calls each of these once, in this order. */
export interface Crowd {
  begin(): Promise<void>;
  /** Its shell has a prompt, or is gone already because it was left before that. */
  open(): Promise<void>;
  end(): void;
}

/** Where a storm takes place. */
export interface Stage {
  readonly t: TestContext;
  readonly sandbox: Sandbox;
  /** How a shell of a story is started, beside its name. */
  readonly plan?: (story: Story) => ShellPlan;
  /** @returns all that is on record; of the sandbox's own record by default */
  readonly rows?: () => Promise<readonly SessionRow[]>;
  /** Whose a story's sessions must be; not looked at by default. */
  readonly username?: (story: Story) => string;
  /** Who else opens shells; nobody waits for anybody by default. */
  readonly crowd?: Crowd;
}

type Way = (stage: Stage, story: Story) => Promise<readonly ExpectedRow[]>;

const left = ({ kind, code }: Story): ExpectedRow => told(kind, code, kind === "fish" ? null : "exit");
const hungUp = ({ kind }: Story): ExpectedRow => told(kind, null, "hangup");
/** Which proof comes first depends on when somebody looked. */
const proven = ({ kind }: Story): ExpectedRow => ({
  shell_type: kind,
  state: "orphaned",
  exit_code: null,
  end_reason: null,
});

const ways: Readonly<Record<string, Way>> = {
  async exit(stage, story) {
    await typeAndEnd(await opened(stage, story), `exit ${story.code}\r`);
    return [left(story)];
  },
  async "Ctrl-D"(stage, story) {
    const terminal = await opened(stage, story);
    await runLine(terminal, "true");
    await typeAndEnd(terminal, "\x04");
    return [told(story.kind, story.kind === "bash" ? null : 0, story.kind === "zsh" ? "exit" : null)];
  },
  async close(stage, story) {
    const terminal = await opened(stage, story);
    terminal.close();
    await terminal.ended();
    return [hungUp(story)];
  },
  async "close over a command"(stage, story) {
    const terminal = await opened(stage, story);
    terminal.type("sh -c 'echo bu''sy; sleep 600'\r");
    await terminal.find("busy\r\n");
    terminal.close();
    await terminal.ended();
    return [hungUp(story)];
  },
  async "kill -HUP of itself"(stage, story) {
    await typeAndEnd(await opened(stage, story), `kill -HUP ${story.kind === "fish" ? "$fish_pid" : "$$"}\r`);
    return [hungUp(story)];
  },
  async "kill -9"(stage, story) {
    const terminal = await opened(stage, story);
    process.kill(terminal.pid, "SIGKILL");
    await terminal.ended();
    return [proven(story)];
  },
  async "exec of a program"(stage, story) {
    await typeAndEnd(await opened(stage, story), "exec sh -c 'exit 5'\r");
    return [proven(story)];
  },
  async "exec of the same shell"(stage, story) {
    const terminal = await opened(stage, story);
    terminal.type(`exec ${story.kind}\r`);
    await terminal.find(`exec ${story.kind}`);
    await terminal.find("sb> ");
    await typeAndEnd(terminal, `exit ${story.code}\r`);
    return [proven(story), left(story)];
  },
  async "exit typed ahead"(stage, story) {
    const terminal = startShell(stage.t, stage.sandbox, story.kind, planOf(stage, story));
    await typeAndEnd(terminal, `exit ${story.code}\r`);
    await stage.crowd?.open();
    return [left(story)];
  },
  async nested(stage, story) {
    const terminal = await opened(stage, story);
    terminal.type(`${story.kind}; echo ou''ter\r`);
    await terminal.find("sb> ");
    await runLine(terminal, "true");
    terminal.type(`exit ${story.code}\r`);
    await terminal.find("outer\r\n");
    await typeAndEnd(terminal, `exit ${story.code}\r`);
    return [left(story), left(story)];
  },
  async subshells(stage, story) {
    const terminal = await opened(stage, story);
    await runLine(
      terminal,
      story.kind === "fish" ? "fish -c 'exit 2'; sh -c 'exit 3'" : "(exit 2); echo $(exit 3); true | (exit 4)",
    );
    await typeAndEnd(terminal, `exit ${story.code}\r`);
    return [left(story)];
  },
  async "tmux kill-server"(stage, story) {
    const tmux = await createTmux(stage.t, stage.sandbox, story.kind, planOf(stage, story), story.name);
    await tmux.prompted();
    await stage.crowd?.open();
    await tmux.run("kill-server");
    return [hungUp(story)];
  },
};

/**
 * Raises the storm.
 *
 * @param perKind - shells of each kind; every way is taken by each kind where there are enough
 * @param mostAlive - how many are open at once
 * @returns a line for every story that is not on record as it was, with what the record says instead
 */
export async function storm(stage: Stage, perKind: number, mostAlive = usuallyAlive): Promise<readonly string[]> {
  const expected = new Map<string, { readonly story: Story; readonly rows: readonly ExpectedRow[] }>();
  const stories = shuffled(
    shellKinds.flatMap((kind) => Array.from({ length: perKind }, (_, index) => tell(kind, index))),
  );
  const waiting = stories.values();
  const live = async () => {
    for (const story of waiting) {
      await stage.crowd?.begin();
      expected.set(story.name, { story, rows: await tellOut(stage, story) });
      stage.crowd?.end();
    }
  };
  await Promise.all(Array.from({ length: mostAlive }, live));

  const deadline = Date.now() + settleDeadlineMs;
  for (;;) {
    const rows = await (stage.rows?.() ?? allRows(stage.sandbox));
    const found = Map.groupBy(rows, (row) => String(row.component_name));
    const lost = [...expected.values()].flatMap(({ story, rows }) => [
      ...account(story, rows, found.get(story.name) ?? []),
      ...strangersOf(stage, story, found.get(story.name) ?? []),
    ]);
    const strange = [...found.keys()].filter((name) => !expected.has(name)).map((name) => `nobody was ${name}`);
    if (lost.length + strange.length === 0 || Date.now() > deadline) return [...lost, ...strange];
    await setTimeout(pauseMs);
  }
}

async function tellOut(stage: Stage, story: Story): Promise<readonly ExpectedRow[]> {
  try {
    return await (ways[story.way] as Way)(stage, story);
  } catch (error) {
    throw new Error(`${story.name} (${story.way})`, { cause: error });
  }
}

/** Keeps the processors busy until the test is done. */
export function startHogs(t: TestContext): void {
  const hogs: ChildProcess[] = Array.from({ length: hogCount }, () =>
    spawn("sh", ["-c", "while :; do :; done"], { stdio: "ignore", env: {} }),
  );
  t.after(() => {
    for (const hog of hogs) hog.kill("SIGKILL");
  });
}

function account(story: Story, expected: readonly ExpectedRow[], found: readonly SessionRow[]): string[] {
  const wanted = expected.map(({ shell_type, state, exit_code, end_reason }) => [
    shell_type,
    state,
    exit_code,
    end_reason,
  ]);
  const seen = found.map((row) => [
    row.shell_type,
    row.state === "replaced" ? "orphaned" : row.state,
    row.exit_code,
    row.state === "ended" ? row.end_reason : null,
  ]);
  const [a, b] = [wanted, seen].map((rows) =>
    rows
      .map((row) => JSON.stringify(row))
      .sort()
      .join(" "),
  );
  return a === b ? [] : [`${story.name} (${story.kind}, ${story.way}): ${a} is on record as ${b || "nothing"}`];
}

function strangersOf({ username }: Stage, story: Story, found: readonly SessionRow[]): string[] {
  const strangers = username === undefined ? [] : found.filter((row) => row.username !== username(story));
  return strangers.map((row) => `${story.name} is on record as ${row.username}'s`);
}

function tell(kind: ShellKind, index: number): Story {
  const names = Object.keys(ways);
  return {
    name: `storm-${kind}-${index}`,
    kind,
    way: names[index % names.length] ?? "exit",
    code: Math.floor(Math.random() * 250),
  };
}

function planOf({ plan }: Stage, story: Story): ShellPlan {
  const own = plan?.(story) ?? {};
  return { ...own, env: { ...own.env, SESSION_BUDDY_COMPONENT: story.name } };
}

async function opened(stage: Stage, story: Story): Promise<Terminal> {
  const terminal = await openShell(stage.t, stage.sandbox, story.kind, planOf(stage, story));
  await stage.crowd?.open();
  return terminal;
}

async function typeAndEnd(terminal: Terminal, text: string): Promise<void> {
  terminal.type(text);
  await terminal.ended();
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, at: Math.random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
