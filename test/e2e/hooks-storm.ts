/** A storm of shells that end in every way at random, while the processors are busy; and the account of what was lost. */
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
interface Story {
  readonly name: string;
  readonly kind: ShellKind;
  readonly way: string;
  readonly code: number;
}

interface Stage {
  readonly t: TestContext;
  readonly sandbox: Sandbox;
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
    const terminal = startShell(stage.t, stage.sandbox, story.kind, planOf(story));
    await typeAndEnd(terminal, `exit ${story.code}\r`);
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
  async "tmux kill-server"({ t, sandbox }, story) {
    const tmux = await createTmux(t, sandbox, story.kind, planOf(story), story.name);
    await tmux.prompted();
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
      const way = ways[story.way] as Way;
      expected.set(story.name, { story, rows: await way(stage, story) });
    }
  };
  await Promise.all(Array.from({ length: mostAlive }, live));

  const deadline = Date.now() + settleDeadlineMs;
  for (;;) {
    const found = Map.groupBy(await allRows(stage.sandbox), (row) => String(row.component_name));
    const lost = [...expected.values()].flatMap(({ story, rows }) => account(story, rows, found.get(story.name) ?? []));
    const strange = [...found.keys()].filter((name) => !expected.has(name)).map((name) => `nobody was ${name}`);
    if (lost.length + strange.length === 0 || Date.now() > deadline) return [...lost, ...strange];
    await setTimeout(pauseMs);
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

function tell(kind: ShellKind, index: number): Story {
  const names = Object.keys(ways);
  return {
    name: `storm-${kind}-${index}`,
    kind,
    way: names[index % names.length] ?? "exit",
    code: Math.floor(Math.random() * 250),
  };
}

function planOf({ name }: Story) {
  return { env: { SESSION_BUDDY_COMPONENT: name } };
}

function opened({ t, sandbox }: Stage, story: Story): Promise<Terminal> {
  return openShell(t, sandbox, story.kind, planOf(story));
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
