/**
 * Bundles the program into `dist/`: the entry, the command table, and a file for each module that is loaded when it is
 * needed. A dynamic import of one of our modules becomes a `require` of its file.
 */
import { readdirSync, rmSync } from "node:fs";
import { basename, resolve } from "node:path";
import { build, type Plugin } from "esbuild";

const root = resolve(import.meta.dirname, "..");
const outdir = resolve(root, "dist");
const commands = readdirSync(resolve(root, "src/commands"))
  .map((file) => basename(file, ".ts"))
  .filter((name) => name !== "context" && name !== "print");
const entryPoints = {
  entry: resolve(root, "src/entry.ts"),
  main: resolve(root, "src/main.ts"),
  settings: resolve(root, "src/settings.ts"),
  gate: resolve(root, "src/auth/gate.ts"),
  tokens: resolve(root, "src/auth/tokens.ts"),
  ...Object.fromEntries(commands.map((name) => [name, resolve(root, `src/commands/${name}.ts`)])),
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

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints,
  outdir,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node24",
  outExtension: { ".js": ".cjs" },
  plugins: [separateFiles],
  // The code of entry.ts names this file at run time; everything else is inside.
  external: ["./main.cjs"],
  minifySyntax: true,
  legalComments: "none",
  logLevel: "warning",
});
