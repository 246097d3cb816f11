/** States the laws of the hosts that may send: invitations, hosts and their keys. Every store must pass them. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { EnrolledHost, EnrolledKey, Invite } from "../../../src/tracker/hosts.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { at } from "../../support/store/session-events.ts";
import { openAt, type StorePlace } from "../../support/store/store-place.ts";

const noon = at("2026-03-02T12:00:00Z");

function invite(fields: Partial<Invite> = {}): Invite {
  return {
    id: "i1",
    secretHash: "h",
    name: "web-01",
    username: null,
    createdAt: noon,
    expiresAt: at("2026-03-02T12:15:00Z"),
    wrongSecrets: 0,
    usedBy: null,
    ...fields,
  };
}

function key(kid: string, state: EnrolledKey["state"] = "current"): EnrolledKey {
  return { kid, x: `x of ${kid}`, state, addedAt: noon };
}

function host(originId: string, fields: Partial<EnrolledHost> = {}): EnrolledHost {
  return {
    originId,
    name: "web-01",
    username: null,
    hostname: "web-01.example",
    inviteId: "i1",
    enrolledAt: noon,
    revokedAt: null,
    keys: [key(originId)],
    ...fields,
  };
}

function put(store: Store, ...hosts: readonly EnrolledHost[]): Promise<void> {
  return store.changeHosts(async (tx) => {
    for (const one of hosts) await tx.putHost(one);
  });
}

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function hostLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (store: Store, place: StorePlace, t: TestContext) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => {
      const place = createPlace(t);
      await check(await openAt(place, t), place, t);
    });

  law(
    "an invitation is read as it was written last, whatever its texts hold, also by another program",
    async (store, place, t) => {
      const [first, second] = [
        invite(),
        invite({ id: "i2", name: "ä\u0000\\x", username: "a'b", createdAt: at("2026-03-02T13:00:00Z") }),
      ];
      const found = await store.changeHosts(async (tx) => {
        await tx.putInvite(first);
        await tx.putInvite(second);
        return [await tx.invite("i1"), await tx.invite("i2"), await tx.invite("i3")];
      });
      assert.deepEqual(found, [first, second, null]);
      const used = invite({ wrongSecrets: 4, usedBy: "k" });
      await store.changeHosts((tx) => tx.putInvite(used));
      const other = await openAt(place, t);
      assert.deepEqual(await other.invites(), [second, used]);
    },
  );

  law("a host is found by each of its keys, in their order, and by no other", async (store, place, t) => {
    const web = host("w", { keys: [key("w", "retired"), key("w2"), key("w3", "next")] });
    const db = host("d", { name: "a\u0000db", username: "deploy", revokedAt: at("2026-03-03T00:00:00Z") });
    await put(store, web, db);
    for (const kid of ["w", "w2", "w3"]) assert.deepEqual(await store.hostOfKey(kid), web);
    assert.deepEqual(await store.hostOfKey("d"), db);
    assert.equal(await store.hostOfKey("x"), null);
    assert.deepEqual(await store.enrolledHosts(), [db, web]);
    const changed = { ...web, revokedAt: noon, keys: [key("w2", "retired"), key("w3")] };
    await put(store, changed);
    const other = await openAt(place, t);
    assert.deepEqual(await other.enrolledHosts(), [db, changed]);
    assert.equal(await other.hostOfKey("w"), null);
    const inside = await store.changeHosts(async (tx) => [
      await tx.host("w"),
      await tx.host("x"),
      await tx.hostOfKey("w3"),
    ]);
    assert.deepEqual(inside, [changed, null, changed]);
  });

  law("a key is of one host: another that is to have it is refused, and nothing of it is kept", async (store) => {
    await put(store, host("w"));
    await assert.rejects(put(store, host("x", { keys: [key("x"), key("w")] })));
    assert.deepEqual(await store.enrolledHosts(), [host("w")]);
  });

  law("what threw leaves nothing, and of many changes at once none is lost", async (store) => {
    const thrown = store.changeHosts(async (tx) => {
      await tx.putInvite(invite());
      throw new Error("no");
    });
    await assert.rejects(thrown, /^Error: no$/);
    assert.deepEqual(await store.invites(), []);
    await store.changeHosts((tx) => tx.putInvite(invite()));
    const countOne = () =>
      store.changeHosts(async (tx) => {
        const found = (await tx.invite("i1")) ?? invite();
        await tx.putInvite({ ...found, wrongSecrets: found.wrongSecrets + 1 });
      });
    await Promise.all(Array.from({ length: 20 }, countOne));
    assert.equal((await store.invites())[0]?.wrongSecrets, 20);
  });
}
