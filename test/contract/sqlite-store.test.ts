/** Proves that the embedded store keeps the laws of the port. */
import { sqlitePlace } from "../support/store-place.ts";
import { storeLaws } from "./store-laws.ts";

storeLaws("sqlite", sqlitePlace);
