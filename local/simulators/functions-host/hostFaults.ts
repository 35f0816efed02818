import { z } from 'zod';

/** The faults of the host. Each was seen in real hosts: https://github.com/Azure/azure-functions-host/issues. */
export interface HostFaults extends z.infer<typeof hostFaults> {}

/** The body of `PUT /host-faults`. A missing member ends that fault. */
export const hostFaults = z.strictObject({
  /** The Settlement service answers UNIMPLEMENTED (issue 10540). */
  settlementUnimplemented: z.boolean().default(false),
  /** These timers do not run any more (issue 11828). */
  stoppedTimers: z.array(z.string()).default([]),
  /** This number of messages is completed without a call of the function (issue 11879). */
  uncalledMessages: z.int().min(0).default(0),
});

/** A host without faults. */
export const noHostFaults = (): HostFaults => hostFaults.parse({});
