/** Proves that the embedded store keeps the laws of the port. */
import { sqlitePlace } from "../support/store/store-place.ts";
import { storeLaws } from "./store-laws.ts";
import { storeQueryLaws } from "./store-query-laws.ts";
import { storeUpkeepLaws } from "./store-upkeep-laws.ts";

storeLaws("sqlite", sqlitePlace);
storeQueryLaws("sqlite", sqlitePlace);
storeUpkeepLaws("sqlite", sqlitePlace);
