/**
 * The first file of the bundle: refuses a runtime that is too old in words, then hands over to the command table. Kept
 * in syntax that any Node.js can read.
 */
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
  require("./main.cjs");
}
