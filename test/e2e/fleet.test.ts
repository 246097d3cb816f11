/**
 * Proves that a fleet is set up by the lines of the README alone, and that what it is told about stays true over a cut
 * network and a server that is killed: hosts, server and desk are network namespaces with names of their own.
 */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createSelfSigned } from "../support/certificates.ts";
import { root, runToEnd } from "../support/sandbox.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const [, block = ""] = /^### A fleet\n[\s\S]*?^```text\n([\s\S]*?)^```$/m.exec(readme) ?? [];
const lines = block
  .trimEnd()
  .split("\n")
  .map((line) => {
    const [, place = "", command = ""] = /^([\w-]+)\$ (.*)$/.exec(line) ?? [];
    return { place, command };
  });
const hosts = ["web-01", "web-02", "web-03"];
const places = ["central", "desk", ...hosts];

/** What the script below is made of: the network, and how a command is run at a place. */
function preamble(folder: string): string {
  const addresses = places.map((place, index) => ({ place, address: `10.9.8.${index + 1}` }));
  return `
set -eu
mount -t tmpfs tmpfs /run
mkdir /run/netns
ip link set lo up
ip link add fleet type bridge
ip link set fleet up
echo '127.0.0.1 localhost' > '${folder}/names'
echo '10.9.8.1 central.example' >> '${folder}/names'
mount --bind '${folder}/names' /etc/hosts
at() {
  place=$1; shift
  ip netns exec "$place" unshare -u sh -c 'hostname "$1"; cd "$HOME"; exec bash -c "$2"' sh "$place" "$*"
}
${addresses
  .map(
    ({ place, address }, index) => `
ip netns add ${place}
ip link add v${index} type veth peer name eth0 netns ${place}
ip link set v${index} master fleet up
ip -n ${place} addr add ${address}/24 dev eth0
ip -n ${place} link set eth0 up
ip -n ${place} link set lo up`,
  )
  .join("\n")}
on() { at_home=$1; shift; HOME='${folder}'/$at_home at "$at_home" "$@"; }
until_true() { for _ in $(seq 200); do if "$@" >/dev/null 2>&1; then return 0; fi; sleep 0.1; done; "$@"; }
cable() { ip link set "v$1" "$2"; }
`;
}

/** @param name - of a host, to which what the README says is copied first */
function enrolling(name: string): string {
  const [invite, enroll] = ["host invite", "enroll "].map(
    (words) => lines.find(({ command }) => command.includes(words))?.command.replaceAll("web-01", name) ?? "",
  );
  return `on central '${invite}'
cp central/central.pem central/${name}.invite ${name}/
on ${name} '${enroll}'`;
}

async function runFleet(t: TestContext, script: (folder: string) => string): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), "session-buddy-fleet-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const place of places) mkdirSync(join(folder, place), { mode: 0o700 });
  const { certificate, key } = createSelfSigned("central.example");
  writeFileSync(join(folder, "central/central.pem"), certificate);
  writeFileSync(join(folder, "central/central.key"), key, { mode: 0o600 });
  const text = `${preamble(folder)}\ncd '${folder}'\n${script(folder)}`;
  const env = { PATH: `${join(root, "bin")}:/usr/sbin:/usr/bin:/sbin:/bin`, SESSION_BUDDY_SPOOL: "", TERM: "dumb" };
  // With a pid namespace, nothing is left of it when the script ends.
  const args = ["-nmpf", "--mount-proc", "--propagation", "private", "bash", "-s"];
  const { status, stdout, stderr } = await runToEnd("unshare", args, { env, cwd: "/", input: text });
  assert.equal(status, 0, `${stdout}\n${stderr}`);
  return Object.fromEntries(
    [...stdout.matchAll(/^=== (\w+)\n([\s\S]*?)(?=^=== |(?![\s\S]))/gm)].map(([, name = "", told = ""]) => [
      name,
      told,
    ]),
  );
}

interface HostRow {
  readonly name: string;
  readonly backlog: number;
}

interface Row {
  readonly session_id: string;
  readonly hostname: string;
  readonly state: string;
  readonly exit_code: number | null;
  readonly origin: { readonly name: string; readonly session_id: string } | null;
}

test("three hosts, set up by the README, are asked about at a desk; a cut network and a killed server lose nothing", async (t) => {
  assert.ok(lines.length > 10 && lines.every(({ place }) => places.includes(place)), block);
  const serving = lines.find(({ command }) => command.endsWith("&"))?.command ?? "";
  const serve = `on central '${serving.slice(0, -1).trim()} >>serve.log 2>&1' &
until_true grep -q "Serving" central/serve.log`;
  const asks = lines.filter(({ place }) => place === "desk");
  const told = await runFleet(t, () => {
    const before = lines.slice(
      0,
      lines.findIndex(({ command }) => command === serving),
    );
    const token = lines.find(({ command }) => command.includes("> ann.token"))?.command;
    return `
${before.map(({ place, command }) => `on ${place} '${command}'`).join("\n")}
${serve}
${hosts.map(enrolling).join("\n")}
on central '${token}'
cp central/central.pem central/ann.token desk/
# One shell each that stays, and one that ends.
for host in ${hosts.join(" ")}; do
  sleep 1000 & on "$host" "session-buddy start --pid $! --shell-type bash"
  sleep 1000 & on "$host" "session-buddy start --pid $! --shell-type zsh > id; session-buddy end --force --exit-code 3 \\"\\$(cat id)\\""
  on "$host" 'session-buddy deliver --wait'
done
${asks.map(({ command }) => `on desk '${command}'`).join("\n")}
echo === first
on desk 'session-buddy list --all --json'
# The cable of one is out while shells come and go there.
cable 4 down
sleep 1000 & gone=$!
on web-03 "session-buddy start --pid $gone --shell-type fish" >&2
kill -9 $gone; wait $gone || true
on web-03 'session-buddy list >/dev/null; timeout 20 session-buddy deliver || true; session-buddy deliver status --json >away.json' >&2
on central 'pkill -KILL -f "^[^ ]*node.* serve" || true'
: > central/serve.log
${serve}
cable 4 up
on web-03 'session-buddy deliver --wait' >&2
echo === away
cat web-03/away.json
echo === second
on desk 'session-buddy list --all --json'
echo === hosts
on central 'session-buddy host list --json'
`;
  });
  const rows = (name: string): Row[] => JSON.parse(told[name] ?? "");
  const summary = (name: string) =>
    rows(name).map(({ hostname, origin, state, exit_code }) => `${hostname} ${origin?.name} ${state} ${exit_code}`);
  const expected = hosts.flatMap((host) => [`${host} ${host} active null`, `${host} ${host} ended 3`]);
  assert.deepEqual(summary("first").sort(), expected.sort());
  const [away] = JSON.parse(told.away ?? "").destinations;
  assert.deepEqual(
    [away.waiting_events, /^https:\/\/central\.example:8678 does not answer: /.test(away.error)],
    [2, true],
  );
  assert.deepEqual(summary("second").sort(), [...expected, "web-03 web-03 orphaned null"].sort());
  assert.equal(new Set(rows("second").map(({ session_id }) => session_id)).size, 7);
  assert.deepEqual(
    (JSON.parse(told.hosts ?? "") as HostRow[]).map(({ name, backlog }) => [name, backlog]),
    hosts.map((host) => [host, 0]),
  );
});
