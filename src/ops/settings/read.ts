import * as z from 'zod';
import type { OperatorDependencies } from '../requests/dependencies.js';

/** What the operators' page needs of the settings. No secret is part of the answer. */
export const pageSettings = z
  .object({
    links: z
      .object({
        balena: z.string().nullable(),
        azure: z.string().nullable(),
        runbook: z.string().nullable(),
      })
      .describe('templates of links; {uuid} stands for the UUID of a device. Null: no link'),
    defaultService: z
      .string()
      .describe("the service of a request without a service; '' for the device level"),
    fleets: z.array(z.string()).nullable().describe('the served fleets; null: all fleets that the key sees'),
  })
  .meta({ id: 'PageSettings' });

export type PageSettings = z.infer<typeof pageSettings>;

/** Reads the settings that the page shows or uses. */
export function readPageSettings({ config }: Pick<OperatorDependencies, 'config'>): PageSettings {
  const { links, defaultService, fleets } = config;
  return { links, defaultService, fleets: fleets && [...fleets] };
}
