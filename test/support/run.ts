/**
 * Runs tests with the runtime's own test runner: those that the arguments name, or the whole suite, and then on the oldest
 * Node.js what could differ there. A skipped or unfinished test counts as a failure, because a check that did not run has
 * shown nothing.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { resolve } from "node:path";
import { pipeline } from "node:stream";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { compileCache, installPackages, oldestNode } from "./packages.ts";

const root = resolve(import.meta.dirname, "../..");
/** The programs that the suite drives, and the Debian packages that have them. */
const neededPrograms: ReadonlyMap<string, string> = new Map([
  ["bash", "bash"],
  ["zsh", "zsh"],
  ["fish", "fish"],
  ["tmux", "tmux"],
  ["screen", "screen"],
  ["sudo", "sudo"],
  ["doas", "opendoas"],
  ["su", "util-linux"],
  ["/usr/sbin/sshd", "openssh-server"],
  ["ssh", "openssh-client"],
  ["rsync", "rsync"],
  ["zoxide", "zoxide"],
  ["direnv", "direnv"],
  ["/usr/lib/kitty/shell-integration/bash/kitty.bash", "kitty-shell-integration"],
  ["setpriv", "util-linux"],
  ["shfmt", "shfmt"],
  ["shellcheck", "shellcheck"],
  ["systemd-analyze", "systemd"],
  ["unshare", "util-linux"],
  ["faketime", "faketime"],
  ["ps", "procps"],
  ["useradd", "passwd"],
  ["mkfs.ext4", "e2fsprogs"],
  ["chattr", "e2fsprogs"],
  ["setfattr", "attr"],
  ["setfacl", "acl"],
  ["strace", "strace"],
  ["nsenter", "util-linux"],
  ["ip", "iproute2"],
  ["/usr/lib/postgresql/*/bin/initdb", "postgresql"],
  ["/usr/lib/libnss_extrausers.so.2", "libnss-extrausers"],
]);

/** What is run on the oldest Node.js too, and the program under test with it. */
const onOldest = ["test/unit/**/*.test.ts", "test/contract/**/*.test.ts", "test/e2e/launcher*.test.ts"];

requirePrograms();
installPackages();
// Test files import much the same; what one has compiled, and stripped of its types, is there for the next.
process.env.NODE_COMPILE_CACHE = compileCache;
const given = process.argv.slice(2);
const patterns = given.length > 0 ? given : ["test/**/*.test.ts"];
const files = globSync(patterns, { cwd: root, exclude: (name) => name === "node_modules" }).map((file) =>
  resolve(root, file),
);
if (files.length === 0) throw new Error(`no test file matches ${patterns.join(" ")}`);

let skipped = 0;
const stream = run({ files, concurrency: 2, cwd: root });
stream.on("test:fail", () => {
  process.exitCode = 1;
});
stream.on("test:pass", (event) => {
  if (event.skip !== undefined || event.todo !== undefined) {
    skipped += 1;
    process.stderr.write(`skipped, which counts as a failure: ${event.name}\n`);
  }
});
pipeline(stream, new spec(), process.stdout, () => {
  if (skipped > 0) process.exitCode = 1;
  if (given.length === 0) runOn(oldestNode(), onOldest);
});

/** Runs tests once more on another Node.js. */
function runOn(node: string, tests: readonly string[]): void {
  const version = execFileSync(node, ["--version"], { encoding: "utf8" }).trimEnd();
  process.stdout.write(`\nOn Node.js ${version}: ${tests.join(" ")}\n`);
  const env = { ...process.env, SESSION_BUDDY_NODE: node };
  const { status } = spawnSync(node, [import.meta.filename, ...tests], { env, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}

/** Installs what is missing where that is possible, else says what to install. */
function requirePrograms(): void {
  const missing = [...neededPrograms].filter(([program]) => !isInstalled(program)).map(([, name]) => name);
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !isInstalled("apt-get")) {
    process.stderr.write(
      `The tests need ${missing.join(", ")}; install them, on Debian with: sudo apt-get install ${missing.join(" ")}\n`,
    );
    process.exit(1);
  }
  process.stdout.write(`Installing what the tests need: ${missing.join(", ")}\n`);
  const options = {
    stdio: ["ignore", "ignore", "inherit"] as const,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  };
  execFileSync("apt-get", ["update", "-q"], { ...options, stdio: ["ignore", "ignore", "inherit"] });
  execFileSync("apt-get", ["install", "-y", "-q", "--no-install-recommends", ...missing], {
    ...options,
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function isInstalled(program: string): boolean {
  try {
    // Not quoted: a path may have the number of a version in it, for which a star stands.
    execFileSync("sh", ["-c", "command -v $1", "sh", program], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
