/**
 * Traces which files of the source a run of the program passes: each call of one of their functions, in order, whoever calls.
 *
 * The source runs unbundled below the inspector, twice. The first run finds the functions that are called, and where each one
 * begins; the second stops there and notes the file. So a call counts once, however often it waits; what a module does
 * while it is loaded is no call.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

export interface TracedRun {
  /** The file to run, and where the files lie that count: absolute paths. */
  readonly main: string;
  readonly source: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Place {
  readonly url: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** The debugger's end of a connection to the inspector of a process. */
interface Inspector {
  send<R = unknown>(method: string, params?: object): Promise<R>;
  on(method: string, listener: (params: Record<string, unknown>) => void): void;
}

/**
 * @param prepare - called before each of the two runs, which must then go the same way
 * @returns the file of each function that was called, in order, as a path below {@link TracedRun.source}
 */
export async function traceCalls(prepare: () => Promise<TracedRun> | TracedRun): Promise<readonly string[]> {
  const first = await prepare();
  const places = await debugged(first, (inspector, isOver) => findEntries(inspector, first, isOver));
  const second = await prepare();
  const folder = `${pathToFileURL(second.source).href}/`;
  const urls = await debugged(second, (inspector, isOver) => noteEntries(inspector, places, isOver));
  return urls.map((url) => url.slice(folder.length));
}

/** What a run passes on its way. */
export interface Passed {
  readonly files: number;
  readonly rooms: number;
  /** How often a call is in another room than the call before it; the ways back, when calls return, are not counted. */
  readonly changesOfRoom: number;
}

export function passedBy(files: readonly string[]): Passed {
  const rooms = files.map((file) => file.split("/")[0]);
  return {
    files: new Set(files).size,
    rooms: new Set(rooms).size,
    changesOfRoom: rooms.filter((room, index) => index > 0 && room !== rooms[index - 1]).length,
  };
}

interface ScriptCoverage {
  readonly scriptId: string;
  readonly url: string;
  readonly functions: readonly {
    readonly isBlockCoverage: boolean;
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

/** @returns where each function that was called begins */
async function findEntries(inspector: Inspector, { source }: TracedRun, isOver: Promise<unknown>): Promise<Place[]> {
  await inspector.send("Profiler.enable");
  await inspector.send("Debugger.enable");
  await inspector.send("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await inspector.send("Runtime.runIfWaitingForDebugger");
  await isOver;
  const { result } = await inspector.send<{ result: ScriptCoverage[] }>("Profiler.takePreciseCoverage");
  const places: Place[] = [];
  for (const { scriptId, url, functions } of result.filter((script) =>
    script.url.startsWith(pathToFileURL(source).href),
  )) {
    const at = locator(readFileSync(fileURLToPath(url), "utf8"));
    for (const { ranges } of functions) {
      const [range] = ranges;
      // The whole script is no function.
      if (range === undefined || range.count === 0 || range.startOffset === 0) continue;
      const { locations } = await inspector.send<{ locations: Place[] }>("Debugger.getPossibleBreakpoints", {
        start: { scriptId, ...at(range.startOffset + 1) },
        end: { scriptId, ...at(range.endOffset) },
        restrictToFunction: true,
      });
      const [begin] = locations;
      if (begin !== undefined) places.push({ ...begin, url });
    }
  }
  return places;
}

/** @returns the file of each function as it is entered */
async function noteEntries(
  inspector: Inspector,
  places: readonly Place[],
  isOver: Promise<unknown>,
): Promise<readonly string[]> {
  const urls: string[] = [];
  inspector.on("Runtime.bindingCalled", ({ payload }) => void urls.push(String(payload)));
  await inspector.send("Runtime.enable");
  await inspector.send("Runtime.addBinding", { name: "noteEntry" });
  await inspector.send("Debugger.enable");
  for (const { url, lineNumber, columnNumber } of places) {
    // A condition that notes and is never true: nothing stops, so that nothing waits for the debugger.
    const condition = `(noteEntry(${JSON.stringify(url)}), false)`;
    await inspector.send("Debugger.setBreakpointByUrl", { url, lineNumber, columnNumber, condition });
  }
  await inspector.send("Runtime.runIfWaitingForDebugger");
  await isOver;
  return urls;
}

/** Runs the program with the inspector, and waits until both are done. */
async function debugged<R>(
  { main, args, env }: TracedRun,
  work: (inspector: Inspector, isOver: Promise<unknown>) => Promise<R>,
): Promise<R> {
  const flags = ["--inspect-wait=127.0.0.1:0", "--disable-warning=ExperimentalWarning"];
  const child = spawn(process.execPath, [...flags, main, ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  try {
    let stderr = "";
    const url = await new Promise<string>((resolve, reject) => {
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        stderr += text;
        const [, found] = /listening on (ws:\S+)/.exec(stderr) ?? [];
        if (found !== undefined) resolve(found);
      });
      child.on("close", () => reject(new Error(stderr)));
    });
    const socket = new WebSocket(url);
    await once(socket, "open");
    const inspector = createInspector(socket);
    const isOver = new Promise((resolve) => inspector.on("NodeRuntime.waitingForDisconnect", resolve));
    await inspector.send("NodeRuntime.enable");
    await inspector.send("NodeRuntime.notifyWhenWaitingForDisconnect", { enabled: true });
    const result = await work(inspector, isOver);
    socket.close();
    const [status] = await closed;
    if (status !== 0) throw new Error(`${args.join(" ")} ended with status ${status}: ${stderr}`);
    return result;
  } finally {
    child.kill("SIGKILL");
  }
}

function createInspector(socket: WebSocket): Inspector {
  const answers = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  const listeners = new Map<string, (params: Record<string, unknown>) => void>();
  let lastId = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id, result, error, method, params } = JSON.parse(String(data));
    if (id === undefined) return listeners.get(method)?.(params);
    if (error === undefined) answers.get(id)?.resolve(result as never);
    else answers.get(id)?.reject(new Error(error.message));
    answers.delete(id);
  });
  return {
    send(method, params = {}) {
      lastId += 1;
      const id = lastId;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve, reject) => answers.set(id, { resolve, reject }));
    },
    on: (method, listener) => void listeners.set(method, listener),
  };
}

/** @returns a function from an offset in the text to the inspector's line and column, both from 0 */
function locator(text: string): (offset: number) => { lineNumber: number; columnNumber: number } {
  return (offset) => {
    const before = text.slice(0, offset).split("\n");
    return { lineNumber: before.length - 1, columnNumber: before.at(-1)?.length ?? 0 };
  };
}
