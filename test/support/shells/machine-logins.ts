/** People of an installed machine, with homes of their own, who log in there as at a terminal: nothing but the machine's files loads the hook. */
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { TestMachine } from "../installed-machine.ts";
import type { Outcome } from "../sandbox.ts";
import { openTerminal, type Terminal } from "./pty.ts";
import { promptLines, type ShellKind, shellKinds } from "./shells.ts";

export const prompt = "sb> ";
/** Ids that no user of another test has, whose processes are killed when that test is done. */
const firstUid = 4_721;
const programs = { bash: "/bin/bash", zsh: "/bin/zsh", fish: "/usr/bin/fish" } as const;
const rcFiles = { bash: ".bashrc", zsh: ".zshrc", fish: ".config/fish/config.fish" } as const;

export interface MachinePerson {
  readonly name: string;
  readonly uid: number;
  /** Logs in at a terminal of its own and waits for the prompt. @param kind - the person's own shell by default */
  login(kind?: ShellKind): Promise<Terminal>;
  /** Runs a program as this person, with the environment that a login makes. */
  run(command: readonly string[]): Promise<Outcome>;
}

/**
 * Makes people, before or after the installation. Root is one more, whose home is the machine's own.
 *
 * @param shells - the login shell of each
 */
export async function createPeople<Name extends string>(
  t: TestContext,
  machine: TestMachine,
  shells: Readonly<Record<Name, ShellKind>>,
): Promise<Readonly<Record<Name | "root", MachinePerson>>> {
  await machine.shell("sed -i '/^root:/s|:/root:|:/home/root:|' /etc/passwd; mkdir -m 700 /home/root");
  await furnish(machine, "root", "/home/root");
  const people: [string, MachinePerson][] = [["root", personOf(t, machine, "root", 0, "bash")]];
  for (const [at, [name, kind]] of Object.entries<ShellKind>(shells).entries()) {
    const uid = firstUid + at;
    await machine.shell(`useradd --no-create-home --home-dir /home/${name} --uid ${uid} --user-group --shell ${programs[kind]} ${name}
      mkdir -m 700 /home/${name}`);
    await furnish(machine, name, `/home/${name}`);
    people.push([name, personOf(t, machine, name, uid, kind)]);
  }
  return Object.fromEntries(people) as Record<Name | "root", MachinePerson>;
}

/** A prompt that tests know, and nothing of the hook. */
async function furnish(machine: TestMachine, name: string, home: string): Promise<void> {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  // Without these a new fish reads every manual page of the machine in the background.
  const folders = [".config/fish", ".local/share/fish/generated_completions", ".cache/fish/generated_completions"];
  const lines = [
    `cd ${home}`,
    `mkdir -p ${folders.join(" ")}`,
    ...shellKinds.map((kind) => `printf '%s\\n' ${quote(promptLines[kind])} > ${rcFiles[kind]}`),
    "printf '%s\\n' 'unset HISTFILE' '. ~/.bashrc' > .bash_profile",
    `chown -R ${name}: .`,
  ];
  await machine.shell(lines.join("\n"));
}

function personOf(t: TestContext, machine: TestMachine, name: string, uid: number, own: ShellKind): MachinePerson {
  const as = ["setpriv", `--reuid=${name}`, `--regid=${name}`, "--init-groups", "--reset-env"];
  const home = join("/home", name);
  return {
    name,
    uid,
    async login(kind = own) {
      // As login(1) and sshd(8) do by PAM.
      const words = [...as, programs[kind], "-l"].map((word) => `'${word}'`).join(" ");
      const line = `echo ${uid} > /proc/self/loginuid; cd ${home}; exec ${words}`;
      const [program = "", ...args] = [...machine.under, "sh", "-euc", line];
      const terminal = openTerminal(t, program, args, { env: { ...machine.env, TERM: "dumb" }, cwd: "/" });
      await terminal.find(prompt);
      return terminal;
    },
    run: (command) => machine.run([...as, ...command]),
  };
}
