/** Owns what other hosts come by: they are let in, and then deliver, each known by its key alone. */
import type { App } from "../../app/app.ts";
import { createEnrolment, openHostGate } from "../../app/enrolment.ts";
import { createReceive, type ReceiveListener } from "../../app/receive.ts";
import { createEnrolmentEntrance, type EnrolmentEntrance } from "./enrolment.ts";
import { createEventsEntrance, type EventsEntrance } from "./events.ts";

export interface HostEntrances {
  readonly events: EventsEntrance;
  readonly enrolment: EnrolmentEntrance;
}

/**
 * @param publicUrl - as whom hosts know this server; null for what each request says
 * @param onTaken - told of each batch that was taken
 */
export function hostEntrances(app: App, publicUrl: string | null, onTaken: ReceiveListener): HostEntrances {
  const gate = openHostGate(app);
  const enrolment = createEnrolment({ ...app, gate });
  return {
    events: createEventsEntrance({ receive: createReceive(app, onTaken), gate, log: app.log, publicUrl }),
    enrolment: createEnrolmentEntrance(enrolment, publicUrl, app.log),
  };
}
