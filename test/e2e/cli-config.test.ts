/** Proves what config and token do: settings that are kept, checked and overridden, and tokens a server accepts. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { startArguments } from "../support/events.ts";
import { assertRefused, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";

test("a setting is its default until it is set, is kept in a private file, and goes back when it is unset", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.home, "settings.json");
  assert.equal(await runWell(sandbox, ["config", "path"]), `${file}\n`);
  assert.equal(await runWell(sandbox, ["config", "get", "port"]), "8678\n");
  assert.equal(existsSync(file), false, "reading keeps nothing");

  await runWell(sandbox, ["config", "set", "port", "8700"]);
  await runWell(sandbox, ["config", "set", "issuers", "one, two"]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(sandbox.home).mode & 0o777, 0o700);
  assert.equal(await runWell(sandbox, ["config", "get", "port"]), "8700\n");
  assert.equal(await runWell(sandbox, ["config", "get", "issuers"]), "one,two\n");
  assert.deepEqual(JSON.parse(await runWell(sandbox, ["config", "list", "--json"])), {
    component: "shell",
    host: "127.0.0.1",
    port: 8700,
    issuers: ["one", "two"],
    log_file: null,
    max_connections: 1000,
    max_connections_per_address: 250,
    max_calls_per_second: 20_000,
    max_refusals_per_minute: 300,
    max_mcp_sessions: 100,
    mcp_session_minutes: 30,
    open_metrics: "no",
    allow_other_users: "no",
    spool: "/var/spool/session-buddy/shells",
    socket: "/run/session-buddy/socket",
    admin_group: "adm",
    remote: "no",
    store: null,
    store_password_file: null,
    from: null,
    from_token_file: null,
    from_pin: null,
    from_ca_file: null,
    tls_certificate_file: null,
    tls_key_file: null,
    public_url: null,
    keep_days: 0,
  });
  assert.match(await runWell(sandbox, ["config", "list"]), /^port +8700 +saved /m);
  await runWell(sandbox, ["config", "unset", "port"]);
  assert.match(await runWell(sandbox, ["config", "list"]), /^port +8678 +default /m);
});

/** Values that break the rule of their setting. */
const wrongValues: readonly (readonly [name: string, value: string, words: RegExp])[] = [
  ["port", "65536", /port: a port is a whole number/],
  ["port", "1e3", /port: a port is a whole number/],
  ["port", "", /port: a port is a whole number/],
  ["component", "a b", /component: Invalid component_name/],
  ["host", "", /host: an address is needed/],
  ["issuers", "a,,b", /issuers: a list of names/],
  ["store", "mysql://u@h/d", /store: an address such as postgres:/],
  ["store", "postgres://u:secret@h/d", /store: a password does not belong into an address/],
  ["log_file", "relative.log", /log_file: an absolute path/],
  ["nonsense", "1", /there is no setting 'nonsense'; the settings are component, host/],
  ["__proto__", "1", /there is no setting '__proto__'/],
];

test("a value that breaks its rule is refused with exit status 2 and not kept", async (t) => {
  const sandbox = createSandbox(t);
  for (const [name, value, words] of wrongValues) {
    assertRefused(await sandbox.run(["config", "set", name, value]), 2, words);
  }
  for (const command of ["get", "unset"]) {
    assertRefused(await sandbox.run(["config", command, "nonsense"]), 2, /there is no setting 'nonsense'/);
  }
  assert.equal(existsSync(join(sandbox.home, "settings.json")), false);
});

test("a flag wins over the environment, the environment over the setting, the setting over the default", async (t) => {
  const sandbox = createSandbox(t);
  const component = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const row: SessionRow = JSON.parse(await runWell(sandbox, ["start", "--json", ...args], { env }));
    // The next start of the same process under the same name would be the same session.
    await runWell(sandbox, ["end", String(row.session_id)]);
    return row.component_name;
  };
  assert.equal(await component([]), "shell");
  await runWell(sandbox, ["config", "set", "component", "kept"]);
  assert.equal(await component([]), "kept");
  assert.equal(await component([], { SESSION_BUDDY_COMPONENT: "environment" }), "environment");
  assert.equal(await component([], { SESSION_BUDDY_COMPONENT: "" }), "kept");
  assert.equal(await component(["--component", "flag"], { SESSION_BUDDY_COMPONENT: "environment" }), "flag");
});

/** Settings files that nobody should guess the meaning of. */
const brokenFiles: readonly (readonly [name: string, text: string, words: RegExp])[] = [
  ["no JSON", "{bad", /settings\.json cannot be used: .*JSON.*fix it or move it away/],
  ["a list", "[1]", /settings\.json cannot be used: it does not hold a JSON object; fix it/],
  ["a wrong type", '{"port":"8678"}', /`port` must be integer; fix it/],
  ["an unknown key", '{"ports":1}', /`ports` must NOT have additional properties; fix it/],
];

for (const [name, text, words] of brokenFiles) {
  test(`a settings file with ${name} is refused with exit status 3 and left as it is`, async (t) => {
    const sandbox = createSandbox(t);
    await runWell(sandbox, ["config", "set", "port", "1"]);
    const file = join(sandbox.home, "settings.json");
    writeFileSync(file, text);
    for (const args of [["start"], ["list"], ["config", "list"], ["config", "set", "port", "2"]]) {
      assertRefused(await sandbox.run(args), 3, words);
    }
    assert.equal(readFileSync(file, "utf8"), text);
  });
}

test("a token is signed for whom and as long as asked, and opens a server that has the secret", async (t) => {
  const sandbox = createSandbox(t);
  const secret = (await runWell(sandbox, ["token", "secret"])).trimEnd();
  assert.match(secret, /^[A-Za-z0-9_-]{64}$/);
  const env = { SESSION_BUDDY_SECRET: secret };
  const token = (await runWell(sandbox, ["token", "--user-id", "ci", "--ttl", "15m"], { env })).trimEnd();
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  assert.deepEqual(Object.keys(claims).sort(), ["exp", "iat", "iss", "type", "user_id"]);
  assert.deepEqual(
    [claims.user_id, claims.iss, claims.type, claims.exp - claims.iat],
    ["ci", "session-buddy", "access", 900],
  );

  const client = await sandbox.httpClient(await sandbox.serve(env));
  const statusWith = async (changes: Record<string, unknown>) => {
    const result = await client.callTool({ name: "track_session_start", arguments: startArguments(changes) });
    return (result.structuredContent as { status: string }).status;
  };
  assert.equal(await statusWith({ token }), "tracked");
  assert.equal(await statusWith({}), "error");
  const stranger = (await runWell(sandbox, ["token", "--issuer", "stranger"], { env })).trimEnd();
  assert.equal(await statusWith({ token: stranger }), "error");
});

test("a token that cannot be made is refused in words", async (t) => {
  const sandbox = createSandbox(t);
  const env = { SESSION_BUDDY_SECRET: "s".repeat(32) };
  assertRefused(await sandbox.run(["token"]), 4, /no secret to sign with.*token secret/);
  for (const ttl of ["", "0h", "1x", "-1h", "1.5h", "h", "101w0", "99999999w"]) {
    assertRefused(await sandbox.run(["token", "--ttl", ttl], { env }), 2, /--ttl .* is not a lifetime/);
  }
  assertRefused(await sandbox.run(["token", "--user-id", ""], { env }), 2, /--user-id must not be empty/);
});
