/** Proves what a centre over the shared store makes of what hosts deliver. */
import { postgresPlace } from "../../support/store/postgres.ts";
import { receiveLaws } from "./receive-laws.ts";

receiveLaws("postgres", postgresPlace);
