/**
 * Owns the steps that let the shells of all users complete the command line: a link for each shell where it looks for what
 * is not of a package, to the script in the program, so that it stays as it is when the program is updated.
 */
import { rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { syncFolder } from "../../host/whole-file.ts";
import { type ShellName, shellNames } from "../hook-line.ts";
import { makeFoldersAbove } from "./folders.ts";
import { thisMachine } from "./hook-steps.ts";
import { targetOf } from "./link.ts";
import { programLink } from "./places.ts";
import { shellsOf } from "./startup-files.ts";
import { type Step, unchanged } from "./step.ts";

/** fish looks into `/usr/local/share` only where XDG_DATA_DIRS names it. */
const links: Readonly<Record<ShellName, string>> = {
  bash: "/usr/local/share/bash-completion/completions/session-buddy",
  zsh: "/usr/local/share/zsh/site-functions/_session-buddy",
  fish: "/etc/fish/completions/session-buddy.fish",
};

/** For the shells that are here. */
export function completionSteps(): readonly Step[] {
  return shellsOf(thisMachine).map((shell) => ({
    part: `${shell} completion`,
    subject: links[shell],
    plan() {
      const now = targetOf(links[shell]);
      const target = scriptOf(shell);
      if (now === target) return unchanged;
      if (now !== null) return { action: "kept", reason: "is not ours" } as const;
      return {
        action: "added",
        reason: `-> ${target}`,
        act() {
          makeFoldersAbove(links[shell]);
          symlinkSync(target, links[shell]);
          syncFolder(dirname(links[shell]));
        },
      } as const;
    },
  }));
}

/** For every shell, whichever are here by now. */
export function removeCompletionSteps(): readonly Step[] {
  return shellNames.map((shell) => ({
    part: `${shell} completion`,
    subject: links[shell],
    plan() {
      if (targetOf(links[shell]) !== scriptOf(shell)) return unchanged;
      return { action: "removed", act: () => rmSync(links[shell]) } as const;
    },
  }));
}

function scriptOf(shell: ShellName): string {
  return join(programLink, "dist/completions", `session-buddy.${shell}`);
}
