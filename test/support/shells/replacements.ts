/** The ways in which the file of a running shell is replaced, renamed or called otherwise, by the tools that do it. */
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ShellKind } from "./shells.ts";

/** A shell of the test's own, and how its file changes. */
export interface Replacement {
  /** The path by which it is started. */
  readonly program: string;
  /** A command line that runs it; none where it is started as it is. */
  readonly under: readonly string[];
  /** A script for sh(1) that makes the change, run in the shell itself. */
  readonly change: string;
}

type Prepare = (folder: string, kind: ShellKind) => Replacement;

/** By what a person would call it; each gets an empty folder. */
export const replacements: ReadonlyMap<string, Prepare> = new Map<string, Prepare>([
  [
    "a package manager puts a new file in its place",
    inPlace((path, next) => `cp ${next} ${path}.new; mv ${path}.new ${path}`),
  ],
  [
    "install -b keeps the old file as a backup",
    inPlace((path, next) => `install -b ${next} ${path}; test -e ${path}~`),
  ],
  ["the file is renamed", inPlace((path) => `mv ${path} ${path}.old`)],
  [
    "the file is renamed and another shell gets its path",
    inPlace((path) => `mv ${path} ${path}.old; cp /bin/sh ${path}`),
  ],
  ["the file is removed", inPlace((path) => `rm ${path}`)],
  ["its folder is renamed", inPlace((path) => `mv ${dirname(path)} ${dirname(path)}.old`)],
  ["a link of Homebrew or Nix leads to the next version", linkFarm],
  ["update-alternatives leads to the next version", alternatives],
  ["dpkg installs the next version", debianPackage],
  ["it runs in a chroot that shares homes and processes", chroot],
  ["it runs on an overlay, in which its file is replaced", overlay],
]);

function inPlace(change: (path: string, next: string) => string): Prepare {
  return (folder, kind) => {
    const program = shellAt(join(folder, "bin"), kind);
    const next = newerShellAt(join(folder, "next"), kind);
    return { program, under: [], change: change(program, next) };
  };
}

/** Each version has a folder of its own; people call the shell by a link, through a folder that is a link too. */
function linkFarm(folder: string, kind: ShellKind): Replacement {
  const farm = join(folder, "profile");
  shellAt(join(folder, "store/a/bin"), kind);
  newerShellAt(join(folder, "store/b/bin"), kind);
  symlinkSync(join(folder, "store/a"), farm);
  return {
    program: join(farm, "bin", kind),
    under: [],
    change: `ln -s ${join(folder, "store/b")} ${farm}.new; mv -T ${farm}.new ${farm}; rm -r ${join(folder, "store/a")}`,
  };
}

function alternatives(folder: string, kind: ShellKind): Replacement {
  const [old, next] = [shellAt(join(folder, "old"), kind), newerShellAt(join(folder, "next"), kind)];
  const program = join(folder, kind);
  for (const name of ["alternatives", "admin"]) mkdirSync(join(folder, name));
  const tool = ["--log", "/dev/null", "--altdir", join(folder, "alternatives"), "--admindir", join(folder, "admin")];
  const install = (path: string, priority: string) => [...tool, "--install", program, kind, path, priority];
  execFileSync("update-alternatives", install(old, "1"), { stdio: "ignore" });
  return { program, under: [], change: `update-alternatives ${install(next, "2").join(" ")}` };
}

function debianPackage(folder: string, kind: ShellKind): Replacement {
  const disk = join(folder, "disk");
  for (const name of ["info", "updates", "triggers"]) mkdirSync(join(disk, "var/lib/dpkg", name), { recursive: true });
  writeFileSync(join(disk, "var/lib/dpkg/status"), "");
  const install = (version: string, place: typeof shellAt) => {
    const content = join(folder, version);
    place(join(content, "opt/bin"), kind);
    mkdirSync(join(content, "DEBIAN"));
    const fields = [`Package: test-${kind}`, `Version: ${version}`, "Architecture: all", "Maintainer: a test"];
    writeFileSync(join(content, "DEBIAN/control"), `${fields.join("\n")}\nDescription: a shell\n`);
    // Packing it well takes long.
    execFileSync("dpkg-deb", ["-Znone", "--root-owner-group", "--build", content], { stdio: "ignore" });
    return ["--log=/dev/null", `--root=${disk}`, "--force-not-root", "-i", `${content}.deb`];
  };
  execFileSync("dpkg", install("1", shellAt), { stdio: "ignore" });
  return {
    program: join(disk, "opt/bin", kind),
    under: [],
    change: `dpkg ${install("2", newerShellAt).join(" ")}`,
  };
}

/** The whole machine but for one folder, in which the shell is: outside, its path leads nowhere. */
function chroot(folder: string, kind: ShellKind): Replacement {
  const [disk, shell] = [join(folder, "disk"), shellAt(join(folder, "bin"), kind)];
  mkdirSync(disk);
  const script = `mount --rbind / "$0"; mount -t tmpfs none "$0/mnt"; cp "$1" "$0/mnt"; shift; exec chroot "$0" "$@"`;
  return {
    program: `/mnt/${kind}`,
    under: ["unshare", "--mount", "sh", "-euc", script, disk, shell],
    change: "true",
  };
}

function overlay(folder: string, kind: ShellKind): Replacement {
  const [lower, disk, parts] = [join(folder, "lower"), join(folder, "disk"), join(folder, "parts")];
  shellAt(lower, kind);
  for (const path of [disk, parts]) mkdirSync(path);
  // An overlay cannot keep what is written to it on another overlay.
  const script = `mount -t tmpfs none "$2"; mkdir "$2/upper" "$2/work"
    mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" none "$0"; shift 2; exec "$@"`;
  const program = join(disk, kind);
  return {
    program,
    under: ["unshare", "--mount", "sh", "-euc", script, disk, lower, parts],
    change: `touch ${program}; cp ${program} ${program}.new; mv ${program}.new ${program}`,
  };
}

function shellAt(folder: string, kind: ShellKind): string {
  const path = join(folder, kind);
  mkdirSync(folder, { recursive: true });
  copyFileSync(realpathSync(`/usr/bin/${kind}`), path);
  return path;
}

/** The same, as another version would be: another file with other bytes. */
function newerShellAt(folder: string, kind: ShellKind): string {
  const path = shellAt(folder, kind);
  appendFileSync(path, "newer");
  return path;
}
