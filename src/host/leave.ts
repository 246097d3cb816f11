/** Owns ending a process that has a thread which the kernel does not let go, as one that looks at a dead mount. */

/**
 * Ends the process as soon as what is under way has said how it went. An end of its own would wait for every thread;
 * where another program takes the process over, the kernel ends them (execve(2)), and the exit status stays what it was.
 */
export function leaveThreads(): void {
  process.once("exit", (status) => process.execve?.("/bin/sh", ["sh", "-c", `exit ${status}`], {}));
  setImmediate(() => process.exit());
}
