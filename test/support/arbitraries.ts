/** What fast-check makes up: texts of every kind, JSON, instants and events. */
import fc from "fast-check";
import type { JsonObject } from "../../src/tracker/canonical.ts";
import { type Circumstances, toldBy } from "../../src/tracker/circumstances.ts";
import type {
  DeathContent,
  DeathEvent,
  EndContent,
  EndEvent,
  EventOrigin,
  EventSource,
  FirstSource,
  Observation,
  ProcessIdentity,
  SessionEvent,
  StartContent,
  StartEvent,
} from "../../src/tracker/event.ts";
import { type Instant, instantFromMs } from "../../src/tracker/instant.ts";
import { sampleSessionId } from "./store/session-events.ts";

const hostileTexts = [
  "",
  "\0",
  "a\0b",
  "\n",
  "\u001b[31m",
  "😀",
  "'; DROP TABLE events; --",
  "\uFFFD",
  " x ",
  "__proto__",
];

/** Surrogates are no code points of a well-formed text. */
const [firstSurrogate, surrogates] = [0xd800, 0x800];

/**
 * Any code point, as the unit of a text. fast-check's own unit `binary` makes up the same, and first keeps each of the million
 * code points in a map, which takes every process that loads it more than a second.
 */
export const anyCodePoint = fc.nat(0x10ffff - surrogates).map(
  (place) => String.fromCodePoint(place < firstSurrogate ? place : place + surrogates),
  (text) => {
    const [only, ...others] = typeof text === "string" ? text : [];
    if (only === undefined || others.length > 0 || !only.isWellFormed()) throw new Error("not one code point");
    const code = only.codePointAt(0) ?? 0;
    return code < firstSurrogate ? code : code - surrogates;
  },
);

/** Well-formed text: any code point, and the ones that break careless programs. */
export const anyText = fc.oneof(fc.string({ unit: anyCodePoint, maxLength: 20 }), fc.constantFrom(...hostileTexts));

/** JSON objects as `JSON.parse` gives them, an own key `__proto__` among them. */
export const jsonObject = fc
  .tuple(fc.dictionary(fc.string({ unit: anyCodePoint, maxLength: 5 }), fc.jsonValue({ maxDepth: 2 })), fc.boolean())
  .map(([object, hasProto]): JsonObject => {
    const text = JSON.stringify(object);
    if (!hasProto) return JSON.parse(text);
    return JSON.parse(text === "{}" ? '{"__proto__":{"a":1}}' : `{"__proto__":{"a":1},${text.slice(1)}`);
  });

const nanosPerMs = 1_000_000;

/** Instants of the years 1 to 9999, often close together so that some are equal. */
export const anyInstant = fc
  .tuple(
    fc.oneof(
      fc.integer({ min: Date.parse("0001-01-01T00:00:00Z"), max: Date.parse("9999-12-31T23:59:59.999Z") }),
      fc.integer({ min: 1_770_381_296_000, max: 1_770_381_296_003 }),
    ),
    fc.oneof(fc.integer({ min: 0, max: nanosPerMs - 1 }), fc.constant(0)),
  )
  .map(([ms, nanos]) => `${instantFromMs(ms).slice(0, 23)}${String(nanos).padStart(6, "0")}Z` as Instant);

/** Objects as literals and `JSON.parse` make them; fast-check would leave out the prototype of some. */
const plain = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { freq: 3, nil: null });
const anyPid = fc.integer({ min: 1, max: 4_194_304 });

const anyProcess: fc.Arbitrary<ProcessIdentity> = plain({
  hostId: maybe(anyText),
  bootId: maybe(anyText),
  pidNamespace: maybe(anyText),
  pid: anyPid,
  startTicks: maybe(anyText),
  executable: maybe(anyText),
  exeId: maybe(anyText),
  comm: maybe(anyText),
});

const anyFirstSource: fc.Arbitrary<FirstSource> = fc.oneof(
  plain({ kind: fc.constantFrom("hook" as const, "client" as const, "kernel" as const) }),
  plain({ kind: fc.constant("command" as const), uid: maybe(fc.nat(65_534)), pid: anyPid }),
);

const anySource: fc.Arbitrary<EventSource> = fc.oneof(
  { weight: 3, arbitrary: anyFirstSource },
  plain({
    kind: fc.constant("import" as const),
    uid: fc.nat(65_534),
    original: maybe(anyFirstSource),
    originalCaller: maybe(anyText),
    originallyAt: anyInstant,
  }),
);

const anyId = fc.oneof(fc.integer({ min: 0, max: 4_294_967_294 }), fc.constantFrom(0, 1_000));

const anyCircumstances: fc.Arbitrary<Partial<Circumstances>> = plain({
  uid: maybe(anyId),
  tty: maybe(anyText),
  loginUid: maybe(anyId),
  loginUser: maybe(anyText),
  auditSession: maybe(anyId),
  systemdSession: maybe(anyText),
  parentSession: maybe(anyText),
  via: maybe(anyText),
  multiplexer: maybe(anyText),
  container: maybe(anyText),
  remote: maybe(anyText),
  terminalProgram: maybe(anyText),
});

/** Any circumstances from all sources, some of them told twice. */
export const anyTold = plain({
  kernel: anyCircumstances,
  hook: anyCircumstances,
  command: anyCircumstances,
  import: anyCircumstances,
});

const anyBootClock = maybe(plain({ bootId: fc.constantFrom("boot-1", "boot-2"), ms: fc.nat(100_000) }));

const anyOrigin: fc.Arbitrary<EventOrigin> = plain({
  originId: fc.constantFrom("origin-1", "origin-2"),
  sessionId: anyText,
  stream: fc.uuid({ version: 4 }),
  seq: fc.nat(100_000),
});

const anyObservation: fc.Arbitrary<Observation> = plain({
  recordedAt: anyInstant,
  source: maybe(anySource),
  caller: maybe(anyText),
  process: maybe(anyProcess),
  bootClock: anyBootClock,
  circumstances: maybe(anyTold).map((told) => (told === null ? null : toldBy(told))),
});

const anyStartContent: fc.Arbitrary<StartContent> = plain({
  componentName: fc.stringMatching(/^[a-zA-Z0-9_-]{1,8}$/),
  shellType: anyText,
  timestamp: anyInstant,
  pid: anyPid,
  username: anyText,
  home: anyText,
  hostname: anyText,
  pythonVersion: anyText,
  platform: anyText,
  cwd: anyText,
  environmentExtra: fc.dictionary(anyText, anyText, { noNullPrototype: true }),
  metadata: maybe(jsonObject),
});

const anyEndContent: fc.Arbitrary<EndContent> = plain({
  timestamp: anyInstant,
  reason: maybe(anyText),
  exitCode: maybe(fc.maxSafeInteger()),
  signal: maybe(anyText),
  metadata: maybe(jsonObject),
});

const anyDeathContent: fc.Arbitrary<DeathContent> = plain({
  lastAliveAt: anyInstant,
  detectedAt: anyInstant,
  proof: fc.constantFrom("pid_gone", "pid_reused", "executable_replaced", "rebooted"),
});

const recorded = {
  eventId: fc.uuid({ version: 4 }),
  sessionId: fc.constant(sampleSessionId),
  observed: anyObservation,
};

export const anyStart: fc.Arbitrary<StartEvent> = plain({
  kind: fc.constant("start" as const),
  ...recorded,
  content: anyStartContent,
});

export const anyEnd: fc.Arbitrary<EndEvent> = plain({
  kind: fc.constant("end" as const),
  ...recorded,
  content: anyEndContent,
});

export const anyDeath: fc.Arbitrary<DeathEvent> = plain({
  kind: fc.constant("death" as const),
  ...recorded,
  content: anyDeathContent,
});

type Life = readonly [StartEvent, ...SessionEvent[]];

function lifeOf(
  start: fc.Arbitrary<StartEvent>,
  end: fc.Arbitrary<EndEvent>,
  death: fc.Arbitrary<DeathEvent>,
): fc.Arbitrary<Life> {
  return fc
    .tuple(start, fc.array(fc.oneof(end, death, start), { maxLength: 5 }), maybe(anyOrigin))
    .map(([first, others, origin]): Life => {
      const from = <E extends SessionEvent>(event: E): E =>
        origin === null ? event : { ...event, observed: { ...event.observed, origin } };
      return [from(first), ...others.map(from)];
    });
}

/** The events of one session, its start first. */
export const anyLife = lifeOf(anyStart, anyEnd, anyDeath);

/** One of a few hundred values, which are made once and are the same in each process. */
const oneOfSome = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.constantFrom(...fc.sample(arbitrary, { numRuns: 300, seed: 1 }));

/**
 * The same for tens of thousands of lives. By what the fold compares they differ as much: who tells what when, by which
 * clock. What it only copies is made once.
 */
export function anyLifeOfMany(): fc.Arbitrary<Life> {
  const some = oneOfSome(anyObservation);
  const observed = fc
    .tuple(some, anyInstant, maybe(anySource), anyBootClock)
    .map(([copied, recordedAt, source, bootClock]) => ({ ...copied, recordedAt, source, bootClock }));
  const dated = <C>(content: fc.Arbitrary<C>) =>
    fc.tuple(oneOfSome(content), anyInstant).map(([copied, timestamp]) => ({ ...copied, timestamp }));
  const start = plain<StartEvent>({
    kind: fc.constant("start"),
    ...recorded,
    observed,
    content: dated(anyStartContent),
  });
  const end = plain<EndEvent>({ kind: fc.constant("end"), ...recorded, observed, content: dated(anyEndContent) });
  return lifeOf(
    start,
    end,
    plain<DeathEvent>({ kind: fc.constant("death"), ...recorded, observed, content: anyDeathContent }),
  );
}
