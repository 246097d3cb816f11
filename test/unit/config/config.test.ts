/** Proves how the environment, the settings file and the defaults become one configuration, or are refused in words. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { resolveConfig } from "../../../src/config/config.ts";
import { credentialSources, type Environment, workingDirectory } from "../../../src/config/environment.ts";
import { resolvePaths } from "../../../src/config/paths.ts";
import { parseSetting, type SettingName, settingRules } from "../../../src/config/settings.ts";
import { SessionBuddyError } from "../../../src/tracker/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "session-buddy-config-"));
after(() => rmSync(folder, { recursive: true }));

const refusal = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SessionBuddyError);
  assert.equal(error.code, code);
  assert.match(error.message, words);
  return true;
};

test("SESSION_BUDDY_HOME holds everything, whatever the XDG variables say", () => {
  assert.deepEqual(resolvePaths({ SESSION_BUDDY_HOME: "/sb", HOME: "/h", XDG_DATA_HOME: "/d" }), {
    dataFolder: "/sb",
    database: "/sb/sessions.db",
    stateFolder: "/sb/shells",
    hostIdFile: "/sb/host-id",
    settingsFolder: "/sb",
    settingsFile: "/sb/settings.json",
  });
});

/** Environments without SESSION_BUDDY_HOME, and the three folders of the XDG specification that follow. */
const xdg: readonly (readonly [env: Environment, data: string, state: string, config: string])[] = [
  [{ HOME: "/h" }, "/h/.local/share", "/h/.local/state", "/h/.config"],
  [{ HOME: "/h", SESSION_BUDDY_HOME: "" }, "/h/.local/share", "/h/.local/state", "/h/.config"],
  [{ HOME: "/h", XDG_DATA_HOME: "/d", XDG_STATE_HOME: "/s", XDG_CONFIG_HOME: "/c" }, "/d", "/s", "/c"],
  [
    { HOME: "/h", XDG_DATA_HOME: "d", XDG_STATE_HOME: "", XDG_CONFIG_HOME: "./c" },
    "/h/.local/share",
    "/h/.local/state",
    "/h/.config",
  ],
  [{ XDG_DATA_HOME: "/d", XDG_STATE_HOME: "/s", XDG_CONFIG_HOME: "/c" }, "/d", "/s", "/c"],
];

test("the XDG folders are used where they are absolute, else those below HOME", () => {
  for (const [env, data, state, config] of xdg) {
    const paths = resolvePaths(env);
    assert.deepEqual(
      [paths.database, paths.stateFolder, paths.hostIdFile, paths.settingsFile],
      [
        `${data}/session-buddy/sessions.db`,
        `${state}/session-buddy/shells`,
        `${state}/session-buddy/host-id`,
        `${config}/session-buddy/settings.json`,
      ],
    );
  }
});

test("a HOME that is missing, empty or relative gives way to the user's own entry", () => {
  for (const HOME of [undefined, "", "home/me"]) {
    assert.equal(resolvePaths({ HOME }).settingsFolder, join(userInfo().homedir, ".config/session-buddy"));
  }
});

test("a relative SESSION_BUDDY_HOME is a usage error", () => {
  for (const home of ["sb", "./sb", "~/sb"]) {
    assert.throws(() => resolvePaths({ SESSION_BUDDY_HOME: home }), refusal("usage", /must be an absolute path/));
  }
});

test("without anything said the settings are the defaults", async () => {
  const { settings } = await resolveConfig({ SESSION_BUDDY_HOME: join(folder, "none") });
  assert.deepEqual(settings, {
    component: "shell",
    host: "127.0.0.1",
    port: 8678,
    issuers: ["session-buddy"],
    log_file: null,
    max_connections: 1000,
    max_connections_per_address: 250,
    max_calls_per_second: 20_000,
    max_refusals_per_minute: 300,
    max_mcp_sessions: 100,
    mcp_session_minutes: 30,
    open_metrics: false,
    allow_other_users: false,
    spool: "/var/spool/session-buddy/shells",
    socket: "/run/session-buddy/socket",
    admin_group: "adm",
    remote: false,
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
});

/** For each setting a value in the file, a text in the environment, and what that text means; last, what the value means where it is kept in another form. */
const samples: Readonly<
  Record<SettingName, readonly [kept: unknown, text: string, meaning: unknown, keptMeaning?: unknown]>
> = {
  component: ["kept", "env", "env"],
  host: ["10.0.0.1", "::1", "::1"],
  port: [1, "0", 0],
  issuers: [["kept"], " a , b ", ["a", "b"]],
  log_file: ["/kept.log", "/env.log", "/env.log"],
  max_connections: [5, "0", 0],
  max_connections_per_address: [5, "0", 0],
  max_calls_per_second: [5, "7", 7],
  max_refusals_per_minute: [5, "7", 7],
  max_mcp_sessions: [5, "0", 0],
  mcp_session_minutes: [5, "1", 1],
  open_metrics: ["yes", "no", false, true],
  allow_other_users: ["yes", "no", false, true],
  spool: ["/kept/shells", "/env/shells", "/env/shells"],
  socket: ["/kept/socket", "", null],
  admin_group: ["wheel", "adm", "adm"],
  remote: ["yes", "no", false, true],
  store: ["postgres://kept/db", "postgresql:///env", "postgresql:///env"],
  store_password_file: ["/kept/password", "/env/password", "/env/password"],
  from: ["https://kept.example", "https://env.example:8678/sb", "https://env.example:8678/sb"],
  from_token_file: ["/kept/token", "/env/token", "/env/token"],
  from_pin: [`sha256//${"A".repeat(43)}=`, `sha256//${"B".repeat(43)}=`, `sha256//${"B".repeat(43)}=`],
  from_ca_file: ["/kept/ca", "/env/ca", "/env/ca"],
  tls_certificate_file: ["/kept/cert.pem", "/env/cert.pem", "/env/cert.pem"],
  tls_key_file: ["/kept/key.pem", "/env/key.pem", "/env/key.pem"],
  keep_days: [400, "0", 0],
  public_url: ["https://kept", "https://[::1]:1", "https://[::1]:1"],
};

test("for every setting the environment wins over the file, and an empty variable counts as unset where it means nothing", async () => {
  const home = join(folder, "kept");
  mkdirSync(home);
  const kept = Object.fromEntries(Object.entries(samples).map(([name, [value]]) => [name, value]));
  writeFileSync(join(home, "settings.json"), JSON.stringify(kept));
  const settingsWith = async (env: Environment) => (await resolveConfig({ SESSION_BUDDY_HOME: home, ...env })).settings;
  // The validator of a settings file takes longer than all else here, so what can be asked of all settings at once is.
  const [alone, besideEmpty] = [await settingsWith({}), await settingsWith(emptyVariables())];
  for (const [key, [value, text, meaning, keptMeaning = value]] of Object.entries(samples)) {
    const name = key as SettingName;
    const { environmentName: variable, isEmptyMeant = false } = settingRules[name];
    assert.deepEqual(alone[name], keptMeaning, name);
    assert.deepEqual(besideEmpty[name], isEmptyMeant ? null : keptMeaning, name);
    assert.deepEqual((await settingsWith({ [variable]: text }))[name], meaning, name);
  }
});

test("what a server is known by, and its token, are for the address that they stand beside and for no other", async () => {
  const [machine, home] = [join(folder, "from.json"), join(folder, "from")];
  mkdirSync(home);
  const [central, other] = ["https://central.example:8678", "https://other.example"];
  const beside = { from_token_file: "/etc/token", from_pin: `sha256//${"A".repeat(43)}=`, from_ca_file: "/etc/ca" };
  writeFileSync(machine, JSON.stringify({ from: central, ...beside }));
  chmodSync(machine, 0o644);
  const besideOf = async (user: object, env: Environment) => {
    writeFileSync(join(home, "settings.json"), JSON.stringify(user), { mode: 0o600 });
    const { settings } = await resolveConfig({ SESSION_BUDDY_HOME: home, ...env }, machine);
    const { from, from_token_file, from_pin, from_ca_file } = settings;
    return [from, { from_token_file, from_pin, from_ca_file }];
  };
  const none = { from_token_file: null, from_pin: null, from_ca_file: null };
  assert.deepEqual(await besideOf({}, {}), [central, beside]);
  assert.deepEqual(await besideOf({}, { SESSION_BUDDY_FROM: central }), [central, beside]);
  assert.deepEqual(await besideOf({}, { SESSION_BUDDY_FROM: other }), [other, none]);
  assert.deepEqual(await besideOf({ from: other }, {}), [other, none]);
  assert.deepEqual(await besideOf({ from: other, from_token_file: "/mine" }, {}), [
    other,
    { ...none, from_token_file: "/mine" },
  ]);
  const mine = { SESSION_BUDDY_FROM: other, SESSION_BUDDY_FROM_TOKEN_FILE: "/mine" };
  assert.deepEqual(await besideOf({ from: central, from_token_file: "/central" }, mine), [
    other,
    { ...none, from_token_file: "/mine" },
  ]);
});

/** An environment in which the variable of every setting is empty. */
function emptyVariables(): Environment {
  return Object.fromEntries(Object.values(settingRules).map(({ environmentName }) => [environmentName, ""]));
}

/** What root may have written there, and what becomes of it. */
const badSystemFiles: readonly (readonly [text: string, mode: number, uid: number, words: RegExp])[] = [
  ['{"port": 1}', 0o666, 0, /others than root may write to it/],
  ['{"port": 1}', 0o664, 0, /others than root may write to it/],
  ['{"port": 1}', 0o644, 12_345, /belongs to user id 12345, not to root/],
  ["{", 0o644, 0, /JSON/],
  ["[]", 0o644, 0, /does not hold a JSON object/],
  ['{"colour": "red"}', 0o644, 0, /there is no setting 'colour'/],
  ['{"__proto__": "red"}', 0o644, 0, /there is no setting '__proto__'/],
  ['{"port": "1"}', 0o644, 0, /port: a number is needed/],
  ['{"port": 65536}', 0o644, 0, /port: a port is a whole number/],
  ['{"issuers": "one"}', 0o644, 0, /issuers: an array of texts is needed/],
  ['{"spool": "relative"}', 0o644, 0, /spool: an absolute path is needed/],
  ['{"remote": 1}', 0o644, 0, /remote: yes or no is needed/],
  ['{"port": true}', 0o644, 0, /port: a number is needed/],
  ['{"admin_group": true}', 0o644, 0, /admin_group: a text is needed/],
];

test("an administrator may write JSON's true and false for yes and no", async () => {
  const machine = join(folder, "booleans.json");
  writeFileSync(machine, JSON.stringify({ remote: true, open_metrics: false }));
  chmodSync(machine, 0o644);
  const { settings } = await resolveConfig({ SESSION_BUDDY_HOME: join(folder, "booleans") }, machine);
  assert.deepEqual([settings.remote, settings.open_metrics], [true, false]);
});

test("the machine's settings are below the user's, which are below the environment", async () => {
  const machine = join(folder, "machine.json");
  const home = join(folder, "below");
  mkdirSync(home);
  writeFileSync(machine, JSON.stringify({ port: 1, host: "10.0.0.1", issuers: ["one"], remote: "yes", spool: "" }));
  chmodSync(machine, 0o644);
  writeFileSync(join(home, "settings.json"), JSON.stringify({ host: "10.0.0.2", issuers: ["two"] }));
  const { settings } = await resolveConfig({ SESSION_BUDDY_HOME: home, SESSION_BUDDY_ISSUERS: "three" }, machine);
  const { port, host, issuers, remote, spool } = settings;
  assert.deepEqual([port, host, issuers, remote, spool], [1, "10.0.0.2", ["three"], true, null]);
});

test("the machine's settings are refused when another than root could have written them, or they break a rule", async () => {
  const env = { SESSION_BUDDY_HOME: join(folder, "none") };
  for (const [index, [text, mode, uid, words]] of badSystemFiles.entries()) {
    const file = join(folder, `machine-${index}.json`);
    writeFileSync(file, text);
    chmodSync(file, mode);
    chownSync(file, uid, 0);
    await assert.rejects(resolveConfig(env, file), refusal("settings", words), text);
  }
  const file = join(folder, "machine-link.json");
  symlinkSync(join(folder, "machine.json"), file);
  await assert.rejects(resolveConfig(env, file), refusal("settings", /ELOOP/));
});

test("a wrong variable is refused by its own name", async () => {
  const env = { SESSION_BUDDY_HOME: join(folder, "none"), SESSION_BUDDY_PORT: "http" };
  await assert.rejects(resolveConfig(env), refusal("usage", /^SESSION_BUDDY_PORT: a port is a whole number/));
});

test("a port is read exactly when it is the decimal form of a number from 0 to 65535", () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer({ min: -10, max: 70_000 }).map(String), fc.string()), (text) => {
      const isPort = /^\d{1,5}$/.test(text) && Number(text) <= 65_535;
      if (isPort) assert.equal(parseSetting("port", text), Number(text));
      else assert.throws(() => parseSetting("port", text), refusal("usage", /^port: /));
    }),
  );
});

test("the names of secrets and keys are read, and nothing behind them", () => {
  assert.deepEqual(Object.values(credentialSources({})), Array(6).fill(undefined));
  const env = {
    SESSION_BUDDY_SECRET: "",
    SESSION_BUDDY_SECRET_FILE: "/missing/a",
    SESSION_BUDDY_PREVIOUS_SECRETS: "short",
    SESSION_BUDDY_PREVIOUS_SECRETS_FILE: "/missing/b",
    SESSION_BUDDY_KEYS_FILE: "/missing/c",
    CREDENTIALS_DIRECTORY: "/missing",
  };
  assert.deepEqual(Object.values(credentialSources(env)), Object.values(env));
});

test("the working directory is the process's own, not what a variable says", () => {
  assert.equal(workingDirectory({ PWD: "/elsewhere" }), process.cwd());
});
