/** Proves what a centre over the embedded store makes of what hosts deliver. */
import { sqlitePlace } from "../../support/store/store-place.ts";
import { receiveLaws } from "./receive-laws.ts";

receiveLaws("sqlite", sqlitePlace);
