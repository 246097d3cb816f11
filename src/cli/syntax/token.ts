/** Owns the rows of the command table about tokens and the keys that sign them. */
import { Argument, type Command, Option } from "@commander-js/extra-typings";
import { scopeWords } from "../../auth/scope.ts";
import { collectPair, example, type OptionsOf } from "./arguments.ts";

const fromStandardInput = new Argument("[-]", "standard input, the default; a token must not be an argument");
const signedWith = `
Signed with the key of SESSION_BUDDY_KEYS_FILE, else with SESSION_BUDDY_SECRET,
else with the secret in SESSION_BUDDY_SECRET_FILE. The value of a claim is read
as JSON where it is JSON, as in admin=true or roles=["a"]; otherwise it is text.

With --scope, read:own reads the sessions of its user alone, read:all those of
everybody, write records and reads nothing, admin does everything.
`;
const helpOfVerify = `
Applies every rule of a server with this environment and these settings.
Exit status: 0 the token is accepted; 2 the command line is wrong; 3 it is not a
JWT; 4 it is refused for its algorithm, key, signature or claims, or there is no
secret or key to verify it with; 5 the file cannot be read.
`;
const helpOfKeys = `
The file is a JWKS of mode 0600; SESSION_BUDDY_KEYS_FILE names it. Its first key
with a private part signs, the others verify. A file of public keys only, as
export prints it, can only verify, and other users may read it.
`;

export function addToken(program: Command): void {
  const token = program
    .command("token")
    .description("Make and examine tokens for the clients of a server that has a secret or keys.")
    .addHelpText("after", example("SESSION_BUDDY_SECRET_FILE=~/.session-buddy-secret session-buddy token --ttl 24h"));
  addCreate(token);
  addReaders(token);
  token
    .command("secret")
    .description("Print a new random secret.")
    .addHelpText("after", example("(umask 077; session-buddy token secret > ~/.session-buddy-secret)"))
    .action(async () => (await import("../commands/token.ts")).runSecret());
  addKeys(token);
}

function describeCreate(token: Command) {
  return token
    .command("create", { isDefault: true })
    .description("Print a token.")
    .option("--user-id <name>", "user that the token is for", "admin-shell")
    .option("--ttl <time>", "how long it is valid: 90s, 15m, 24h, 7d", "24h")
    .option("--issuer <name>", "who issues it (default: the first accepted issuer)")
    .option("--audience <name>", "who it is meant for; session-buddy accepts only 'session-buddy' (default: none)")
    .addOption(
      new Option("--scope <word...>", "what it allows, several together (default: everything)").choices(
        Object.values(scopeWords),
      ),
    )
    .option("--claim <key=value...>", "an additional claim", collectPair)
    .option("--json", "print a JSON object")
    .addHelpText("after", signedWith + example("session-buddy token create --user-id ci --ttl 15m --claim team=web"));
}
export type TokenOptions = OptionsOf<typeof describeCreate>;

function addCreate(token: Command): void {
  describeCreate(token).action(async (options) => (await import("../commands/token.ts")).runCreate(options));
}

function describeVerify(token: Command) {
  return token
    .command("verify")
    .description("Say whether a server would accept a token, check by check.")
    .addArgument(fromStandardInput)
    .option("--file <file>", "read the token from this file")
    .option("--json", "print a JSON object")
    .addHelpText("after", helpOfVerify + example("session-buddy token verify < token.txt"));
}
export type VerifyOptions = OptionsOf<typeof describeVerify>;

function describeInspect(token: Command) {
  return token
    .command("inspect")
    .description("Show what a token says, without verifying anything.")
    .addArgument(fromStandardInput)
    .option("--file <file>", "read the token from this file")
    .option("--json", "print a JSON object")
    .addHelpText(
      "after",
      `\nExit status: 3 when it is not a JWT.\n${example("session-buddy token inspect < token.txt")}`,
    );
}
export type InspectOptions = OptionsOf<typeof describeInspect>;

function addReaders(token: Command): void {
  describeVerify(token).action(async (source, options) =>
    (await import("../commands/token-verify.ts")).run(source, options),
  );
  describeInspect(token).action(async (source, options) =>
    (await import("../commands/token-inspect.ts")).run(source, options),
  );
}

function addKeys(token: Command): void {
  const keys = token
    .command("keys")
    .description("Manage key pairs that sign tokens, so that those who verify tokens cannot make them.")
    .addHelpText("after", helpOfKeys + example("session-buddy token keys create --file ~/.session-buddy-keys.json"));
  describeKeysCreate(keys).action(async (options) => (await import("../commands/token-keys.ts")).runCreate(options));
  describeKeysList(keys).action(async (options) => (await import("../commands/token-keys.ts")).runList(options));
  describeKeysRotate(keys).action(async (options) => (await import("../commands/token-keys.ts")).runRotate(options));
  describeKeysDrop(keys).action(async (kids, options) =>
    (await import("../commands/token-keys.ts")).runDrop(kids, options),
  );
  describeKeysExport(keys).action(async (options) => (await import("../commands/token-keys.ts")).runExport(options));
}

function describeKeysCommand(keys: Command, name: string, description: string) {
  return keys
    .command(name)
    .description(description)
    .option("--file <file>", "the keys file (default: SESSION_BUDDY_KEYS_FILE)");
}

function algorithmOption() {
  return new Option("--algorithm <name>", "of the new key").choices(["EdDSA", "ES256"]);
}

function describeKeysCreate(keys: Command) {
  return describeKeysCommand(keys, "create", "Make a keys file with a new key, and print the key's id.")
    .addOption(algorithmOption().default("EdDSA"))
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      example("session-buddy token keys create --algorithm ES256 --file ~/.session-buddy-keys.json"),
    );
}
export type KeysCreateOptions = OptionsOf<typeof describeKeysCreate>;

function describeKeysList(keys: Command) {
  return describeKeysCommand(keys, "list", "Show the keys, and which one signs.")
    .option("--json", "print JSON")
    .addHelpText("after", example("session-buddy token keys list --file ~/.session-buddy-keys.json"));
}
export type KeysListOptions = OptionsOf<typeof describeKeysList>;

function describeKeysRotate(keys: Command) {
  return describeKeysCommand(
    keys,
    "rotate",
    "Make a new key that signs from now on; the old keys still verify, and lose their private parts.",
  )
    .addOption(algorithmOption())
    .option("--drop", "remove the old keys, so that their tokens are refused from now on")
    .option("--json", "print JSON")
    .addHelpText("after", example("session-buddy token keys rotate --file ~/.session-buddy-keys.json"));
}
export type KeysRotateOptions = OptionsOf<typeof describeKeysRotate>;

function describeKeysDrop(keys: Command) {
  return describeKeysCommand(
    keys,
    "drop",
    "Remove old keys by their ids, so that their tokens are refused from now on.",
  )
    .argument("<kid...>")
    .option("--json", "print JSON")
    .addHelpText("after", example("session-buddy token keys drop kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
}
export type KeysDropOptions = OptionsOf<typeof describeKeysDrop>;

function describeKeysExport(keys: Command) {
  return describeKeysCommand(
    keys,
    "export",
    "Print the public keys as a JWKS, for those who verify tokens.",
  ).addHelpText("after", example("session-buddy token keys export > public-keys.json"));
}
export type KeysExportOptions = OptionsOf<typeof describeKeysExport>;
