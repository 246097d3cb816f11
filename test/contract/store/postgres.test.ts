/** Proves that the shared store keeps the laws of the port, each part of it. */
import { postgresPlace } from "../../support/store/postgres.ts";
import { hostLaws } from "./host-laws.ts";
import { indexLaws } from "./index-laws.ts";
import { logLaws } from "./log-laws.ts";
import { originLaws } from "./origin-laws.ts";
import { outboxLaws } from "./outbox-laws.ts";
import { transferLaws } from "./transfer-laws.ts";
import { upkeepLaws } from "./upkeep-laws.ts";

logLaws("postgres", postgresPlace);
indexLaws("postgres", postgresPlace);
originLaws("postgres", postgresPlace);
upkeepLaws("postgres", postgresPlace);
transferLaws("postgres", postgresPlace);
hostLaws("postgres", postgresPlace);
outboxLaws("postgres", postgresPlace);
