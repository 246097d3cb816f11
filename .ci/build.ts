/**
 * Bundles the program into `dist/`: the entry, the command table, and a file for each module that is loaded when it is
 * needed. A dynamic import of one of our modules becomes a `require` of its file. Beside them lie the completion
 * scripts. An argument names another folder than `dist`; the launcher is in `bin` beside it.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { completionScripts } from "../src/cli/completion/scripts.ts";
import { createProgram } from "../src/cli/syntax/program.ts";
import { stamped } from "../src/install/stamp.ts";

const root = resolve(import.meta.dirname, "..");
const dist = resolve(process.argv[2] ?? join(root, "dist"));
// Put in place when it is whole: a program that is running, or a build that fails, keeps what was there.
const outdir = `${dist}.${process.pid}`;
/** The commands are what the command table loads late; what lies beside them is bundled with them. */
const commands = readdirSync(resolve(root, "src/cli/syntax")).flatMap((file) =>
  [
    ...readFileSync(resolve(root, "src/cli/syntax", file), "utf8").matchAll(
      /import\("\.\.\/commands\/([\w-]+)\.ts"\)/g,
    ),
  ].map(([, name = ""]) => name),
);
const entryPoints = {
  entry: resolve(root, "src/cli/entry.ts"),
  main: resolve(root, "src/cli/main.ts"),
  "settings-file": resolve(root, "src/config/settings-file.ts"),
  ps: resolve(root, "src/host/ps.ts"),
  migrations: resolve(root, "src/store/sqlite/migrations.ts"),
  history: resolve(root, "src/store/sqlite/history.ts"),
  origins: resolve(root, "src/store/sqlite/origins.ts"),
  hosts: resolve(root, "src/store/sqlite/hosts.ts"),
  store: resolve(root, "src/store/postgres/store.ts"),
  outbox: resolve(root, "src/store/outbox.ts"),
  "deliver-in-passing": resolve(root, "src/app/deliver-in-passing.ts"),
  "machine-record": resolve(root, "src/app/machine-record.ts"),
  "remote-record": resolve(root, "src/app/remote-record.ts"),
  metrics: resolve(root, "src/server/metrics/metrics.ts"),
  spool: resolve(root, "src/capture/spool.ts"),
  "spool-keeper": resolve(root, "src/capture/spool-keeper.ts"),
  "session-table": resolve(root, "src/cli/terminal/session-table.ts"),
  ...Object.fromEntries(commands.map((name) => [name, resolve(root, `src/cli/commands/${name}.ts`)])),
};

const separateFiles: Plugin = {
  name: "separate-files",
  setup({ onResolve }) {
    onResolve({ filter: /^\..*\.ts$/ }, ({ kind, path, resolveDir }) => {
      if (kind !== "dynamic-import") return null;
      const name = basename(path, ".ts");
      if (entryPoints[name] !== resolve(resolveDir, path))
        throw new Error(`${path} is loaded late but is no entry point`);
      return { path: `./${name}.cjs`, external: true };
    });
  },
};

/**
 * commander has Node's modules by their default exports, for which esbuild would copy every name of each. One of them it needs
 * for commands that are programs of their own, which we have none of; loading that one is slow.
 */
const defaultExports: Plugin = {
  name: "default-exports",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:(?:child_process|fs|path|process)$/ }, ({ importer, namespace, path }) =>
      importer.includes("/commander/") && namespace === "file" ? { path, namespace: "default-exports" } : null,
    );
    onLoad({ filter: /.*/, namespace: "default-exports" }, ({ path }) => {
      const builtin = `process.getBuiltinModule("${path}")`;
      const late = `new Proxy({}, { get: (_, name) => ${builtin}[name] })`;
      return { contents: `export default ${path === "node:child_process" ? late : builtin};` };
    });
  },
};

/**
 * commander looks for `<name...>` with every letter of Unicode, which V8 compiles anew in every process: a hundredth of a
 * start. Our options are ASCII.
 */
const asciiOptions: Plugin = {
  name: "ascii-options",
  setup({ onLoad }) {
    onLoad({ filter: /commander\/lib\/option\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const contents = source.replace(String.raw`/\p{ID_Continue}\.\.\.[>\]]$/u`, String.raw`/\w\.\.\.[>\]]$/`);
      if (contents === source) throw new Error(`${path} has no such expression any more; is it still needed here?`);
      return { contents };
    });
  },
};

/** Of package.json only the version is asked for; the rest would be parsed by every process. */
const versionAlone: Plugin = {
  name: "version-alone",
  setup({ onLoad }) {
    onLoad({ filter: /\/package\.json$/ }, ({ path }) => {
      if (path !== resolve(root, "package.json")) return null;
      const { version } = JSON.parse(readFileSync(path, "utf8"));
      return { contents: JSON.stringify({ version }), loader: "json" };
    });
  },
};

await build({
  entryPoints,
  outdir,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node24",
  // A dynamic import would start the loader of ES modules; `require` of the same file does not.
  // Else esbuild has them compiled when a file is loaded, not when they are needed.
  supported: { "dynamic-import": false, "regexp-unicode-property-escapes": true },
  outExtension: { ".js": ".cjs" },
  // It adds types and nothing else; at run time it would only wrap the other.
  alias: { "@commander-js/extra-typings": "commander" },
  plugins: [separateFiles, defaultExports, asciiOptions, versionAlone],
  // The code of entry.ts names this file at run time; everything else is inside.
  // pg looks for a driver in C that nobody has installed here.
  external: ["./main.cjs", "pg-native"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
});

mkdirSync(join(outdir, "completions"));
for (const [shell, script] of Object.entries(completionScripts(createProgram()))) {
  writeFileSync(join(outdir, "completions", `session-buddy.${shell}`), stamped(script));
}

/** V8 refuses a code cache that was made with other flags than it runs with, so these are read from where they are given. */
function launcherFlags(): string[] {
  const text = readFileSync(resolve(dist, "../bin/session-buddy"), "utf8");
  const flags = /^exec "\$node" ((?:--\S+ )*)"\$root\/dist\/entry\.cjs" "\$@"$/m.exec(text)?.[1];
  if (flags === undefined)
    throw new Error("bin/session-buddy no longer has the line that starts the bundle; its flags are read there");
  return flags.trimEnd().split(" ");
}

// The code cache: each command that a shell waits for, or runs often, once for real in a folder of its own.
const home = mkdtempSync(join(tmpdir(), "session-buddy-build-"));
const stateFile = join(home, "state-file");
const flags = launcherFlags();
const warm = (...args: string[]) =>
  execFileSync(process.execPath, [...flags, resolve(root, ".ci/warm.cjs"), outdir, ...args], {
    // As most people have it: the folders are found below the home, and those functions are in the cache too.
    env: { HOME: home },
    stdio: "ignore",
  });
try {
  warm("start", "--state-file", stateFile);
  // With a session on record, so that the table is drawn.
  warm("list", "--all");
  warm("end", "--state-file", stateFile);
  // Last, because the table of commands keeps the functions of the run before.
  warm("start");
  rmSync(dist, { recursive: true, force: true });
  renameSync(outdir, dist);
} finally {
  rmSync(home, { recursive: true, force: true });
  rmSync(outdir, { recursive: true, force: true });
}
