import type { AddCommand } from './command.js';

/** A command of the main help. The module of a command is loaded only for the command itself, because help must be fast. */
export interface CommandEntry {
  name: string;
  /** The text of the command in the main help. */
  summary: string;
  load(): Promise<AddCommand>;
}

/** The commands in the order of the main help. A test compares names and summaries with the commands. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: 'provision',
    summary: 'request credentials for a device',
    load: async () => (await import('./provision.js')).addProvision,
  },
  {
    name: 'deprovision',
    summary: 'remove the credentials of a device',
    load: async () => (await import('./deprovision.js')).addDeprovision,
  },
  {
    name: 'rotate',
    summary: 'replace certificates without an outage',
    load: async () => (await import('./rotate.js')).addRotate,
  },
  {
    name: 'status',
    summary: 'show the state of the system, and of a device',
    load: async () => (await import('./status.js')).addStatus,
  },
  {
    name: 'list',
    summary: 'list devices by state, fleet or error',
    load: async () => (await import('./list.js')).addList,
  },
  {
    name: 'dead-letters',
    summary: 'list, replay or discard requests that failed for good',
    load: async () => (await import('./deadLetters/group.js')).addDeadLetters,
  },
  {
    name: 'actions',
    summary: 'list, show or cancel replays, discards and rotations',
    load: async () => (await import('./actions/group.js')).addActions,
  },
  {
    name: 'fleet',
    summary: 'request credentials for a whole fleet',
    load: async () => (await import('./fleet.js')).addFleet,
  },
  {
    name: 'sweep',
    summary: 'find devices without a request, and lost variables',
    load: async () => (await import('./sweep.js')).addSweep,
  },
  {
    name: 'audit',
    summary: 'compare hub, records and balena, and repair disagreements',
    load: async () => (await import('./audit.js')).addAudit,
  },
  {
    name: 'watch',
    summary: 'show queue, rate, states and failures, live',
    load: async () => (await import('./watch.js')).addWatch,
  },
  {
    name: 'ca',
    summary: 'make the certificate of a CA for certificate requests',
    load: async () => (await import('./ca.js')).addCa,
  },
  {
    name: 'doctor',
    summary: 'check every setting, connection and right',
    load: async () => (await import('./doctor.js')).addDoctor,
  },
];
