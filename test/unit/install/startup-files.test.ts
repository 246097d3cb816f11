/** Proves which global startup files are found on a machine, whatever its distribution. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  everyStartupFile,
  type MachineLook,
  shellsOf,
  startupFilesOf,
} from "../../../src/install/system/startup-files.ts";

/** A machine with these files, each with its text. */
function machineWith(files: Readonly<Record<string, string>>, isMac = false): MachineLook {
  const paths = Object.keys(files);
  return {
    isMac,
    exists: (path) => paths.some((one) => one === path || one.startsWith(`${path}/`)),
    list: (folder) => paths.filter((one) => one.startsWith(`${folder}/`)).map((one) => one.slice(folder.length + 1)),
    read: (path) => files[path] ?? null,
  };
}

const all = ["bash", "zsh", "fish"] as const;
const fish = "/etc/fish/conf.d/session-buddy.fish";
const loop = "for i in /etc/profile.d/*.sh; do . $i; done";

const machines: readonly (readonly [name: string, machine: MachineLook, paths: readonly string[]])[] = [
  [
    "Debian",
    machineWith({
      "/etc/os-release": 'PRETTY_NAME="Debian"\nID=debian\n',
      "/etc/profile": `if [ "\${PS1-}" ]; then\n    if [ -f /etc/bash.bashrc ]; then\n      . /etc/bash.bashrc\n    fi\nfi\n${loop}\n`,
    }),
    ["/etc/bash.bashrc", "/etc/zsh/zshrc", fish],
  ],
  [
    "Ubuntu's children, by what they are like",
    machineWith({ "/etc/os-release": 'ID=mine\nID_LIKE="ubuntu debian"\n', "/etc/profile": ". /etc/bash.bashrc" }),
    ["/etc/bash.bashrc", "/etc/zsh/zshrc", fish],
  ],
  [
    "Fedora",
    machineWith({
      "/usr/lib/os-release": 'ID="fedora"',
      "/etc/profile": `${loop}\nif [ -n x ]; then . /etc/bashrc; fi`,
    }),
    ["/etc/bashrc", "/etc/zshrc", fish],
  ],
  [
    "Rocky",
    machineWith({
      "/etc/os-release": 'ID="rocky"\nID_LIKE="rhel centos fedora"',
      "/etc/profile": "source /etc/bashrc",
    }),
    ["/etc/bashrc", "/etc/zshrc", fish],
  ],
  [
    "Alpine, where a script leads a login shell there",
    machineWith({
      "/etc/os-release": "ID=alpine",
      "/etc/profile": loop,
      "/etc/profile.d/20locale.sh": ":",
      "/etc/profile.d/any.sh": 'test -n "$BASH_VERSION" && . "/etc/bash/bashrc"',
    }),
    ["/etc/bash/bashrc", "/etc/zsh/zshrc", fish],
  ],
  [
    "Alpine without it",
    machineWith({ "/etc/os-release": "ID=alpine", "/etc/profile": `${loop}\n# . /etc/bash/bashrc` }),
    ["/etc/bash/bashrc", "/etc/profile.d/session-buddy.sh", "/etc/zsh/zshrc", fish],
  ],
  [
    "macOS with Homebrew",
    machineWith(
      { "/etc/profile": "[ -r /etc/bashrc ] && . /etc/bashrc", "/opt/homebrew/etc/fish/config.fish": "" },
      true,
    ),
    ["/etc/bashrc", "/etc/zshrc", "/opt/homebrew/etc/fish/conf.d/session-buddy.fish"],
  ],
  ["one without a name and a file", machineWith({}), ["/etc/profile", fish]],
  [
    "one that reads another file of a like name",
    machineWith({ "/etc/os-release": "ID=arch", "/etc/profile": ". /etc/bash.bashrc.local; . ~/.bashrc" }),
    ["/etc/bash.bashrc", "/etc/profile", "/etc/zsh/zshrc", fish],
  ],
];

for (const [name, machine, paths] of machines) {
  test(`the files of ${name}`, () => {
    const files = startupFilesOf(all, machine).map(({ path }) => path);
    assert.deepEqual(files, paths);
    const known = new Set(everyStartupFile().map(({ path }) => path));
    assert.deepEqual(
      files.filter((path) => !known.has(path)),
      [],
      "an uninstallation looks there",
    );
  });
}

test("only shells that are there get a file, which a package could stumble over", () => {
  assert.deepEqual(shellsOf(machineWith({ "/usr/bin/fish": "", "/bin/bash": "" })), ["bash", "fish"]);
});
