/**
 * The first file of the bundle: refuses a runtime that is too old in words, then loads the command table with the code
 * cache that the build made. Kept in syntax that any Node.js can read.
 *
 * Node's own compile cache would need a folder that the user can write, whose content root would run under `sudo -E`;
 * this one lies beside the program and is as trustworthy as the program. It also saves more, because it holds the
 * functions that a start and an end really run.
 */
var fs = require("node:fs");
var vm = require("node:vm");

type Exports = Record<string, unknown>;

var oldestMajor = 24;
if (Number(process.versions.node.split(".")[0]) < oldestMajor) {
  process.stderr.write(
    "session-buddy: Node.js " +
      oldestMajor +
      " or newer is needed, this is " +
      process.versions.node +
      " (" +
      process.execPath +
      "); run 'npm ci' in the checkout, or set SESSION_BUDDY_NODE to a newer one\n",
  );
  process.exitCode = 126;
} else {
  load("./main.cjs");
}

/** Runs a file of the bundle. A code cache that does not fit this runtime is ignored by V8, and costs only time. */
function load(name: string): Exports {
  var file = __dirname + name.slice(1);
  // The bundle is plain ASCII, so that V8 keeps it with one byte a character; Node reads this encoding in one step.
  var source = fs.readFileSync(file, "utf8");
  var script = new vm.Script(`(function (exports, require, module) {${source}\n})`, {
    filename: file,
    cachedData: readCache(file),
  });
  var module = { exports: {} as Exports };
  script.runInThisContext()(module.exports, requireFrom, module);
  return module.exports;
}

/** Past Node's own `require`, which looks at each name anew: a bundle asks for the same module once for each of its parts. */
function requireFrom(name: string): unknown {
  return name.charAt(0) === "." ? load(name) : process.getBuiltinModule(name) || require(name);
}

function readCache(file: string): Buffer | undefined {
  try {
    return fs.readFileSync(`${file}.cache`);
  } catch {
    return undefined;
  }
}
