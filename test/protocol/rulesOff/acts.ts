import type { Act, Scenario } from '../support/Scenario.js';

/* The acts and histories that several rules share. */

export const seconds = 1_000;
export const provision = { kind: 'provision', scope: 'a' } as const;
export const moveTo = (scope: string) => ({ kind: 'provision', scope }) as const;
export const deprovision = { kind: 'deprovision' } as const;
export const check = { kind: 'check', forceVerify: false } as const;
export const identityLeft = 'a check has looked, and the identity of the deleted device is left';
export const rotate = { kind: 'rotate', revoke: true } as const;
export const readOnly = { kind: 'right', mayWrite: false } as const;
export const own = { kind: 'own', fresh: false, uses: false } as const;
export const calmly = {
  calm: true,
  poison: null,
  late: null,
  sick: null,
  audit: false,
} satisfies Partial<Scenario>;
export const act = (afterMs: number, what: Act['what']): Act => ({ device: 0, afterMs, what });

/** One device is provisioned, deprovisioned and provisioned again, while many calls fail. No audit follows. */
export const backAgain: Partial<Scenario> = {
  acts: [act(0, provision), act(120 * seconds, deprovision), act(25 * seconds, provision)],
  calm: false,
  crashes: 0,
  stalls: 0,
  failing: 4,
  stepMs: 50,
  poison: null,
  audit: false,
  maxAttempts: 10,
};

/** The requests follow each other within seconds, so that the next run begins soon after the death of a worker. */
export const toAndFro = [0, 8, 8, 8, 8, 8].map((after, i) =>
  act(after * seconds, i % 2 === 0 ? provision : deprovision),
);
