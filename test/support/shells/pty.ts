/** A terminal with a program in it: a person's window, driven by a test, always closed and emptied at the test's end. */
import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { TestContext } from "node:test";
import { type IPty, spawn } from "@lydell/node-pty";
import { eventually } from "../eventually.ts";

const deadlineMs = 30_000;

/** How the program of a terminal ended: its exit status, or the number of the signal that killed it. */
export interface Ending {
  readonly code: number;
  readonly signal: number;
}

export interface Terminal {
  readonly pid: number;
  /** Everything that was printed so far. */
  output(): string;
  /**
   * Waits until a text appears after what the last call found.
   *
   * @throws Error with all that was printed when it never comes
   */
  find(text: string | RegExp): Promise<void>;
  type(text: string): void;
  /**
   * Sends a signal to the program as soon as it waits for something. bash 5.2 and fish 3.6 that have written their prompt
   * and do not wait yet sleep over a SIGHUP until the next key (up to 33 of 400 on busy processors, with or without the
   * hook).
   */
  signal(name: NodeJS.Signals): Promise<void>;
  /** The window is closed: the kernel hangs up, and nobody sends any signal besides. */
  close(): void;
  /** @throws Error with all that was printed when it does not end */
  ended(): Promise<Ending>;
}

export interface TerminalOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** 80 by default. */
  readonly columns?: number;
}

/**
 * A command line that runs the one after it without the terminals that are open here, which a program would inherit: none
 * of them would hang up when it is closed while that program lives.
 */
export const withoutTerminals: readonly string[] = [
  "bash",
  "-c",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the shell
  'for fd in /proc/$$/fd/*; do fd=${fd##*/}; if ((fd > 2)); then exec {fd}>&-; fi; done; unset SHLVL OLDPWD; exec "$@"',
  "bash",
];

/** Opens a terminal of 24 rows and starts a program as the leader of its session. */
export function openTerminal(t: TestContext, program: string, args: readonly string[], o: TerminalOptions): Terminal {
  const { columns = 80, ...rest } = o;
  const pty: Pty = withoutGaps(() =>
    spawn(program, [...args], { name: o.env.TERM ?? "dumb", cols: columns, rows: 24, ...rest }),
  );
  readToTheEnd(pty);
  const ending = new Promise<Ending>((resolve) => {
    pty.onExit(({ exitCode, signal }) => resolve({ code: exitCode, signal: signal ?? 0 }));
  });
  let isOver = false;
  void ending.then(() => {
    isOver = true;
  });
  t.after(async () => {
    closeWindow(pty);
    endProcesses(pty.pid, isOver);
    await ending;
  });

  let text = "";
  let seen = 0;
  const waiting = new Set<() => void>();
  pty.onData((data) => {
    text += data;
    for (const look of waiting) look();
  });
  const inTime = <T>(promise: Promise<T>, what: string): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what}; the terminal shows ${JSON.stringify(text)}`)), deadlineMs);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  };

  return {
    pid: pty.pid,
    output: () => text,
    async find(wanted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => {
        const found = positionAfter(text, wanted, seen);
        if (found === null) return;
        seen = found;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      await inTime(promise, `${wanted} never appears`).finally(() => waiting.delete(look));
    },
    type: (typed) => pty.write(typed),
    async signal(name) {
      await eventually(() => assert.equal(statusFields(pty.pid)?.[0], "S", `process ${pty.pid} does not come to rest`));
      process.kill(pty.pid, name);
    },
    close: () => closeWindow(pty),
    ended: () => inTime(ending, `process ${pty.pid} does not end`),
  };
}

/**
 * node-pty closes what the new program must not inherit from the third descriptor on, to the first that is not open. Behind
 * such a gap are other terminals, which would not hang up when they are closed while this program has them too.
 */
function withoutGaps<T>(work: () => T): T {
  const highest = Math.max(...readdirSync("/proc/self/fd").map(Number));
  const fillers: number[] = [];
  while ((fillers.at(-1) ?? 0) <= highest) fillers.push(openSync("/dev/null", "r"));
  try {
    return work();
  } finally {
    for (const filler of fillers) closeSync(filler);
  }
}

function positionAfter(text: string, wanted: string | RegExp, from: number): number | null {
  if (typeof wanted === "string") {
    const at = text.indexOf(wanted, from);
    return at === -1 ? null : at + wanted.length;
  }
  const match = wanted.exec(text.slice(from));
  return match === null ? null : from + match.index + match[0].length;
}

/** What is used of a terminal beyond its interface. */
type Pty = IPty & { destroy?: () => void; _socket?: Pick<Socket, "destroy"> };

/** So long somebody else may have the terminal open after its program is over, until what is left in it is given up. */
const leftOpenMs = 300;
const neverEndsMs = 5_000;

/**
 * node-pty reads for 200 ms after the end of the program, because in some systems a terminal never ends; on a busy machine
 * the last lines are not there by then. Here it ends, with an error, when nobody has it open any more.
 */
function readToTheEnd(pty: Pty): void {
  const socket = pty._socket;
  assert.ok(socket !== undefined);
  const { destroy } = socket;
  socket.destroy = (error) => {
    if (error !== undefined) return destroy.call(socket, error);
    setTimeout(() => destroy.call(socket), sessionMembers(pty.pid).length > 0 ? leftOpenMs : neverEndsMs).unref();
    return socket as Socket;
  };
  const close = pty.destroy;
  pty.destroy = () => {
    socket.destroy = destroy;
    close?.call(pty);
  };
}

/** `destroy` sends SIGHUP itself as well, which no terminal does. */
function closeWindow(pty: Pty): void {
  pty.kill = () => {};
  pty.destroy?.();
}

/**
 * Kills what is left of the session that the terminal's program led. A session's id is not given to a new process while
 * the session has members, so that whoever has the id of a program that is over has nothing to do with it.
 */
function endProcesses(leader: number, isOver: boolean): void {
  if (isOver && existsSync(`/proc/${leader}`)) return;
  for (const pid of sessionMembers(leader)) kill(pid);
}

function sessionMembers(session: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => statusFields(pid)?.[3] === String(session));
}

/** The state, the parent, the process group, the session id and so on: `/proc/PID/stat` from its third field; proc(5). */
function statusFields(pid: number): readonly string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
