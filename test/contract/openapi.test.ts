/** Proves that the description of `/v1` is one, that a real server answers every path as it says, and that no path is missing in it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { createSandbox, type RunningServer, root } from "../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { ask, type HttpAnswer } from "../support/server/raw-http.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

type Json = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Json;
}

interface Operation {
  readonly operationId: string;
  readonly security?: readonly Json[];
  readonly parameters?: readonly Parameter[];
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Json }>> }>
  >;
}

interface Description extends Json {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Json;
}

const stories: readonly Story[] = [
  { id: "one/1 ü?", from: "2026-03-10T08:00:00Z", to: "2026-03-10T09:00:00.5Z", end: { exitCode: 3, reason: "exit" } },
  { id: "lost", from: "2026-03-10T08:30:00Z", lost: ["2026-03-10T10:00:00Z", "2026-03-10T11:00:00Z"] },
  {
    id: "open",
    from: "2026-03-10T09:30:00Z",
    start: { username: "ann" },
    circumstances: { kernel: { tty: "pts/8", loginUser: "ann" } },
  },
];

/** What each parameter can be asked with; every one of the description has to be here. */
const samples: Readonly<Record<string, readonly string[]>> = {
  session_id: ["one/1 ü?", "lost", "open"],
  states: ["active", "orphaned"],
  username: ["ann"],
  hostname: ["web1"],
  component_name: ["shell"],
  login_user: ["ann"],
  tty: ["pts/8"],
  cwd: ["/"],
  open_since: ["2026-03-10T09:30:00+00:00"],
  open_until: ["2026-03-10T09:30:00Z"],
  started_since: ["2026-03-10T00:00:00Z"],
  limit: ["1", "200"],
  cursor: [],
  by: ["user"],
};

const refused: Readonly<Record<string, string>> = {
  states: "open",
  username: "x".repeat(5_000),
  hostname: "x".repeat(5_000),
  component_name: "x".repeat(5_000),
  login_user: "x".repeat(5_000),
  tty: "x".repeat(5_000),
  cwd: "srv",
  open_since: "yesterday",
  open_until: "2026-02-30T00:00:00Z",
  started_since: "5",
  limit: "0",
  cursor: "AAAA",
  by: "shell",
};

function ofPath({ url }: RunningServer, path: string, question = {}): Promise<HttpAnswer> {
  return ask(new URL(path, url).href, { method: "GET", ...question });
}

async function describedBy(server: RunningServer): Promise<Description> {
  const { status, headers, body } = await ofPath(server, "/v1/openapi.json");
  assert.deepEqual([status, headers["content-type"]], [200, "application/json"]);
  return JSON.parse(body);
}

/** No key that is not described passes. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, closed(inner)]));
  const isOpen =
    entries.type === "object" && typeof entries.properties === "object" && !("additionalProperties" in entries);
  return isOpen ? { ...entries, additionalProperties: false } : entries;
}

/** Holds answers to what the description says of their path and status. */
function createJudge(description: Description) {
  const { refusal, ...schemas } = description.components.schemas as Record<string, Json>;
  // What is refused has the keys of an answer too, for those who read one.
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true });
  ajv.addSchema({ $id: "api", $defs: { ...(closed(schemas) as Json), refusal } });
  const known = new Map<string, ValidateFunction>();
  return (operation: Operation, { status, headers, body }: HttpAnswer, where: string) => {
    const content = operation.responses[status]?.content;
    assert.ok(content !== undefined, `${where}: ${status} is not described`);
    const type = String(headers["content-type"]);
    const schema = content[type]?.schema;
    assert.ok(schema !== undefined, `${where}: ${type} is not described`);
    const text = JSON.stringify(schema).replaceAll("#/components/schemas/", "api#/$defs/");
    const validate = known.get(text) ?? ajv.compile(JSON.parse(text));
    known.set(text, validate);
    assert.ok(validate(JSON.parse(body)), `${where}: ${JSON.stringify(validate.errors)}\n${body}`);
  };
}

function pathWith(template: string, { parameters = [] }: Operation, given: Readonly<Record<string, string>>): string {
  const inPath = new Set(parameters.filter((one) => one.in === "path").map(({ name }) => name));
  const required = parameters
    .filter((one) => one.required)
    .map(({ name }) => [name, samples[name]?.[0] ?? ""] as const);
  const all = { ...Object.fromEntries(required), ...given };
  const path = template.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(all[name] ?? ""));
  const query = new URLSearchParams(Object.entries(all).filter(([name]) => !inPath.has(name)));
  return query.size === 0 ? path : `${path}?${query}`;
}

/** What people and agents ask with GET, and is answered with JSON. */
function questionsOf({ paths }: Description): (readonly [path: string, operation: Operation])[] {
  return Object.entries(paths).flatMap(([path, { get }]) =>
    get === undefined || path === "/v1/live" || isOfHosts(get) ? [] : [[path, get] as const],
  );
}

function isOfHosts({ security = [] }: Operation): boolean {
  return security.some((way) => "host" in way);
}

test("it is a description in OpenAPI 3.1, as a program of others sees it", async (t) => {
  const description = await describedBy(await createSandbox(t).serve());
  const { valid, errors } = await new Validator().validate(structuredClone(description));
  assert.deepEqual([valid, errors], [true, undefined]);
  assert.equal(description.openapi, "3.1.0");
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.equal(description.info.version, version);
});

test("every question is answered as it is described, with each parameter, right and wrong, and without any", async (t) => {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, stories);
  const server = await sandbox.serve();
  const description = await describedBy(server);
  const judge = createJudge(description);
  const answered = async (path: string, operation: Operation, given: Readonly<Record<string, string>>) => {
    const asked = pathWith(path, operation, given);
    const answer = await ofPath(server, asked);
    judge(operation, answer, asked);
    return answer;
  };
  let count = 0;
  for (const [path, operation] of questionsOf(description)) {
    assert.equal((await answered(path, operation, {})).status, 200, path);
    for (const { name, in: place } of operation.parameters ?? []) {
      assert.ok(samples[name] !== undefined, `${path}: ${name}`);
      for (const value of samples[name]) {
        assert.equal((await answered(path, operation, { [name]: value })).status, 200, `${path} ${name}`);
        count += 1;
      }
      const wrong = place === "path" ? await answered(path, operation, { [name]: "nothing" }) : null;
      if (wrong !== null) assert.equal(wrong.status, 404, path);
      else
        assert.equal((await answered(path, operation, { [name]: refused[name] ?? "" })).status, 400, `${path} ${name}`);
    }
    if (path.includes("openapi")) continue;
    const unknown = await ofPath(
      server,
      `${pathWith(path, operation, {})}${path.includes("stats") ? "&" : "?"}nothing=1`,
    );
    judge(operation, unknown, path);
    assert.equal(unknown.status, 400, path);
  }
  assert.ok(count > 40, String(count));
  const [first] = questionsOf(description);
  assert.ok(first !== undefined);
  const page = JSON.parse((await answered(...first, { limit: "1" })).body);
  assert.equal((await answered(...first, { cursor: page.next_cursor })).status, 200);
});

test("what is refused is described too: tokens, scopes, methods and names of hosts", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve({ SESSION_BUDDY_SECRET: secret });
  const description = await describedBy(server);
  const judge = createJudge(description);
  const Authorization = `Bearer ${await tokenMakers.hand(claims({ scope: "write" }))}`;
  for (const [path, operation] of questionsOf(description)) {
    if (path.includes("openapi")) continue;
    const asked = pathWith(path, operation, {});
    for (const [question, status] of [
      [{}, 401],
      [{ headers: { Authorization: "Bearer x" } }, 401],
      [{ headers: { Authorization } }, 403],
    ] as const) {
      const answer = await ofPath(server, asked, question);
      judge(operation, answer, path);
      assert.equal(answer.status, status, path);
    }
  }
  for (const [path, operations] of Object.entries(description.paths)) {
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      if (method.toLowerCase() in operations) continue;
      const { status, headers, body } = await ask(new URL(path, server.url).href, { method });
      assert.equal(status, 405, `${method} ${path}`);
      const allowed = String(headers.allow).toLowerCase().split(", ");
      assert.deepEqual(
        allowed.filter((one) => one !== "head"),
        Object.keys(operations),
        path,
      );
      const [operation] = Object.values(operations);
      if (operation?.responses[405] !== undefined) judge(operation, { status, headers, body }, path);
    }
    const { post } = operations;
    if (post === undefined) continue;
    const answer = await ask(new URL(path, server.url).href, { method: "POST", body: "{}" });
    judge(post, answer, path);
    assert.ok(answer.status >= 400, path);
  }
});

test("the stream is one of server-sent events, and is refused as it is described", async (t) => {
  const server = await createSandbox(t).serve();
  const description = await describedBy(server);
  const operation = description.paths["/v1/live"]?.get;
  assert.ok(operation !== undefined);
  for (const { name } of operation.parameters ?? []) assert.ok(["from", "Last-Event-ID"].includes(name), name);
  const headers = await new Promise((resolve, reject) => {
    const asked = get(new URL("/v1/live?from=0", server.url), { headers: { "Last-Event-ID": "x:0" } }, (response) => {
      resolve([response.statusCode, response.headers["content-type"]]);
      asked.destroy();
    });
    asked.once("error", (error) => asked.destroyed || reject(error));
  });
  assert.deepEqual(headers, [200, Object.keys(operation.responses[200]?.content ?? {})[0]]);
  createJudge(description)(operation, await ofPath(server, "/v1/live?from=x"), "/v1/live");
});

test("every path that the server knows is described", async (t) => {
  const { paths } = await describedBy(await createSandbox(t).serve());
  const source = readFileSync(join(root, "src/server/web/api.ts"), "utf8");
  const named = [...source.matchAll(/name [!=]== "([^"]+)"/g)].map(([, name]) => `/v1/${name}`);
  assert.ok(named.length >= 4);
  for (const path of named) assert.ok(path in paths, path);
});
