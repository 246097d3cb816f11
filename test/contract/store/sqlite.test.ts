/** Proves that the embedded store keeps the laws of the port, each part of it. */
import { sqlitePlace } from "../../support/store/store-place.ts";
import { hostLaws } from "./host-laws.ts";
import { indexLaws } from "./index-laws.ts";
import { logLaws } from "./log-laws.ts";
import { originLaws } from "./origin-laws.ts";
import { outboxLaws } from "./outbox-laws.ts";
import { transferLaws } from "./transfer-laws.ts";
import { upkeepLaws } from "./upkeep-laws.ts";

logLaws("sqlite", sqlitePlace);
indexLaws("sqlite", sqlitePlace);
originLaws("sqlite", sqlitePlace);
upkeepLaws("sqlite", sqlitePlace);
transferLaws("sqlite", sqlitePlace);
hostLaws("sqlite", sqlitePlace);
outboxLaws("sqlite", sqlitePlace);
