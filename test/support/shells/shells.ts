/** The three shells as a person has them: a home of their own, an rc file that sources the hook or does not, a prompt. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { eventually } from "../eventually.ts";
import { allRows, type SessionRow } from "../rows.ts";
import { createSandbox, root, type Sandbox } from "../sandbox.ts";
import { type Ending, openTerminal, type Terminal } from "./pty.ts";

export const shellKinds = ["bash", "zsh", "fish"] as const;
export type ShellKind = (typeof shellKinds)[number];

/** What differs from a plain interactive shell with the hook in its rc file. */
export interface ShellPlan {
  /** Whether the rc file sources the hook; default true. */
  readonly hook?: boolean;
  /** How often the rc file has the line that sources the hook; default once. */
  readonly hookLines?: number;
  /** The hook file; default the one of this checkout. */
  readonly hookFile?: string;
  /** Lines of the rc file before and after the one that sources the hook. */
  readonly before?: string;
  readonly after?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A command line that runs the shell; none by default. */
  readonly under?: readonly string[];
  /** Whether other users may use the home; default false. */
  readonly openHome?: boolean;
}

const prompt = "sb> ";
const rcNames = { bash: ".bashrc", zsh: ".zshrc", fish: ".config/fish/config.fish" } as const;
/** The line of an rc file that sets the prompt, and keeps the shell from writing what depends on its speed. */
export const promptLines = {
  bash: `PS1='${prompt}'`,
  // zsh writes the escape sequence that turns bracketed paste on after the prompt, so that who acts on the prompt may be
  // quicker than the sequence.
  zsh: `PROMPT='${prompt}'; unset zle_bracketed_paste`,
  // Suggestions and titles make what fish prints depend on its history and its speed.
  fish: `function fish_prompt; echo -n '${prompt}'; end; function fish_title; end; set -g fish_greeting; set -g fish_autosuggestion_enabled 0`,
} as const;

export function hookFile(kind: ShellKind, folder = join(root, "shell-hooks")): string {
  return join(folder, `session-buddy.${kind}`);
}

/** The line that a person has in the rc file. */
export function sourceLine(kind: ShellKind, file: string): string {
  if (kind === "fish") return `test -r '${file}'; and source '${file}'`;
  return `if [ -r '${file}' ]; then . '${file}'; fi`;
}

/** A sandbox in which the program was used before, so that its folders are there. */
export function createUsedSandbox(t: TestContext): Sandbox {
  const sandbox = createSandbox(t);
  mkdirSync(join(sandbox.home, "shells"), { recursive: true, mode: 0o700 });
  chmodSync(sandbox.home, 0o700);
  return sandbox;
}

/** Makes a home for a shell. @returns the environment to start it with */
export function createHome(sandbox: Sandbox, kind: ShellKind, plan: ShellPlan = {}): Record<string, string> {
  const home = mkdtempSync(join(sandbox.folder, "home-"));
  // Without these a new fish reads every manual page of the machine in the background.
  mkdirSync(join(home, ".local/share/fish/generated_completions"), { recursive: true });
  mkdirSync(join(home, ".cache/fish/generated_completions"), { recursive: true });
  const source =
    plan.hook === false ? "" : `${sourceLine(kind, plan.hookFile ?? hookFile(kind))}\n`.repeat(plan.hookLines ?? 1);
  const rc = join(home, rcNames[kind]);
  mkdirSync(dirname(rc), { recursive: true });
  writeFileSync(
    rc,
    [promptLines[kind], plan.before, source, plan.after, ""].filter((part) => part !== undefined).join("\n"),
  );
  writeFileSync(join(home, ".bash_profile"), ". ~/.bashrc\n");
  if (plan.env?.XDG_DATA_HOME)
    mkdirSync(join(plan.env.XDG_DATA_HOME, "fish/generated_completions"), { recursive: true });
  if (plan.openHome) execFileSync("chmod", ["-R", "a+rwX", home]);
  const env = { ...sandbox.env, HOME: home, TERM: "dumb", ...plan.env };
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Starts a shell in a terminal without waiting for anything. */
export function startShell(t: TestContext, sandbox: Sandbox, kind: ShellKind, plan: ShellPlan = {}): Terminal {
  const [program = kind, ...args] = [...(plan.under ?? []), kind, ...(plan.args ?? [])];
  return openTerminal(t, program, args, { env: createHome(sandbox, kind, plan), cwd: plan.cwd ?? sandbox.folder });
}

/** Starts a shell in a terminal and waits for its first prompt. */
export async function openShell(
  t: TestContext,
  sandbox: Sandbox,
  kind: ShellKind,
  plan: ShellPlan = {},
): Promise<Terminal> {
  const terminal = startShell(t, sandbox, kind, plan);
  await terminal.find(prompt);
  return terminal;
}

/** Types a line and waits until the shell asks for the next. The line must not end the shell. */
export async function runLine(terminal: Terminal, line: string): Promise<void> {
  await runUntil(terminal, `${line}; echo do''ne`, "done\r\n");
}

/** Types a line and waits for the prompt after a text that the line prints. */
export async function runUntil(terminal: Terminal, line: string, printed: string | RegExp): Promise<void> {
  terminal.type(`${line}\r`);
  await terminal.find(printed);
  await terminal.find(prompt);
}

/** What a person saw of one shell. */
export interface Seen {
  readonly ending: Ending;
  readonly output: string;
}

/**
 * Runs the same shell with and without the hook, and holds both to the same bytes on the terminal and the same end.
 *
 * @param drive - does what the person does; the shell must end by it
 */
export async function driveBoth(
  t: TestContext,
  sandbox: Sandbox,
  kind: ShellKind,
  plan: ShellPlan,
  drive: (terminal: Terminal) => Promise<void> | void,
): Promise<Seen> {
  const see = async (hook: boolean): Promise<Seen> => {
    const terminal = await openShell(t, sandbox, kind, { ...plan, hook });
    await drive(terminal);
    const ending = await terminal.ended();
    return { ending, output: withoutNames(withoutRedraws(terminal.output())) };
  };
  const [seen, plain] = await Promise.all([see(true), see(false)]);
  assert.deepEqual(seen, plain);
  return seen;
}

/**
 * fish draws its line again whenever it has read a few more keys, so that the number of drawings depends on its speed: a
 * drawing that only begins what the next one shows is left out.
 */
function withoutRedraws(output: string): string {
  const lines = output.split("\n").map((line) => {
    const drawn = line.split("\r");
    return drawn.filter((part, index) => index === drawn.length - 1 || !isBeginOf(part, drawn[index + 1])).join("\r");
  });
  return lines.join("\n");
}

/** The line with which a shell says that it has started a job holds a pid, and the two shells have homes of their own. */
function withoutNames(output: string): string {
  return output.replace(/^(\[\d\]) \d+\r$/gm, "$1 PID\r").replace(/home-\w{6}/g, "home");
}

function isBeginOf(part: string, next = ""): boolean {
  return part !== "" && part.startsWith(prompt) && next.startsWith(part);
}

/** What is expected of one session on record. */
export type ExpectedRow = Partial<Pick<SessionRow, "shell_type" | "state" | "exit_code" | "end_reason">>;

/** An end that the shell told itself. */
export function told(kind: ShellKind, exitCode: number | null, reason: string | null): ExpectedRow {
  return { shell_type: kind, state: "ended", exit_code: exitCode, end_reason: reason };
}

/** An end that is proven by the process alone. */
export function inferred(kind: ShellKind, proof: string): ExpectedRow {
  return {
    shell_type: kind,
    state: proof === "executable_replaced" ? "replaced" : "orphaned",
    exit_code: null,
    end_reason: proof,
  };
}

export function open(kind: ShellKind): ExpectedRow {
  return { shell_type: kind, state: "active", exit_code: null, end_reason: null };
}

/**
 * Holds the record to exactly these sessions. Ends that the shells told must have been brought there by their couriers
 * alone: the program is asked only when the state folder is empty.
 */
export async function assertRecord(sandbox: Sandbox, expected: readonly ExpectedRow[]): Promise<readonly SessionRow[]> {
  if (expected.length > 0 && expected.every(({ state }) => state === "ended")) await couriersDone(sandbox);
  return eventually(async () => {
    const rows = await allRows(sandbox);
    assert.deepEqual(rows.map(toExpected).map(toText).sort(), expected.map(toText).sort());
    return rows;
  });
}

/** Waits until every state file is finished, which nobody but the couriers does while the program is not asked. */
export function couriersDone(sandbox: Sandbox): Promise<void> {
  return eventually(() => assert.deepEqual(stateFileNames(sandbox), []));
}

/** The files of shells in the state folder. */
export function stateFileNames(sandbox: Sandbox): readonly string[] {
  return readdirSync(join(sandbox.home, "shells")).filter((name) => !name.startsWith("."));
}

function toExpected({ shell_type, state, exit_code, end_reason }: SessionRow): ExpectedRow {
  return { shell_type, state, exit_code, end_reason };
}

function toText(row: ExpectedRow): string {
  return JSON.stringify(row);
}
