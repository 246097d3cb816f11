/**
 * Runs the bundle in the folder that is the first argument, with the others, and writes, beside each file that was loaded, V8's code cache with the
 * functions that ran. Called by the build; the program itself only reads these files.
 */
const fs = require("node:fs");
const vm = require("node:vm");

const scripts = new Map();
vm.Script = class extends vm.Script {
  constructor(source, options) {
    super(source, options);
    scripts.set(options.filename, this);
  }
};
process.on("exit", () => {
  for (const [file, script] of scripts) fs.writeFileSync(`${file}.cache`, script.createCachedData());
});
const [folder] = process.argv.splice(2, 1);
require(`${folder}/entry.cjs`);
