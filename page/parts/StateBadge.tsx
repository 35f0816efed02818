import type { Action } from '../../src/ops/bulk/schema.js';

/** A state as a word. The colour repeats the meaning, and a tooltip explains the word. */
export function StateBadge({ state }: { state: string }) {
  const { tone = 'plain', means = undefined } = states[state] ?? {};
  return (
    <span class={`badge ${tone}`} title={means}>
      {state}
    </span>
  );
}

/** The name of each kind of action. */
export const actionNames: Record<Action['kind'], string> = {
  replay: 'Replay',
  discard: 'Discard',
  rotate: 'Rotation',
  provision: 'Provisioning',
  deprovision: 'Deprovisioning',
  fleet: 'Fleet request',
};

type Tone = 'good' | 'bad' | 'busy' | 'plain';

/** The states of requests, of dead letters and of bulk actions, with the tone and the explanation of each. */
const states: Record<string, { tone: Tone; means: string }> = {
  queued: { tone: 'plain', means: 'Accepted. The request waits for its turn at the hub.' },
  working: { tone: 'busy', means: 'A worker is processing the request.' },
  retrying: { tone: 'busy', means: 'The last attempt failed. A worker will try again automatically.' },
  provisioned: {
    tone: 'good',
    means: 'The device is registered with the hub, and balena holds the credentials.',
  },
  deprovisioned: { tone: 'plain', means: 'The hub identity and the variables were removed on request.' },
  outside: {
    tone: 'bad',
    means:
      'The device is in a fleet that is not in FLEETS. After two sweeps, its hub identity is removed or disabled.',
  },
  failed: {
    tone: 'bad',
    means: 'Failed for good. Fix the cause, then replay. Discard a request that is not wanted any more.',
  },

  quarantined: {
    tone: 'bad',
    means:
      'Failed again after too many replays. A bulk replay skips the device; replay the device by itself.',
  },
  cancelled: { tone: 'plain', means: 'An operator cancelled the replay. The request can be replayed.' },
  discarded: {
    tone: 'plain',
    means: 'An operator discarded the request. The dead letter is removed within minutes.',
  },
  superseded: {
    tone: 'plain',
    means: 'The device has a newer request, or was replayed. The dead letter is removed within minutes.',
  },
  'last check failed': {
    tone: 'bad',
    means: 'The last check of the device failed. The cause is in the next column.',
  },
  pending: { tone: 'busy', means: 'The job is still pending. The redrive timer sends its message again.' },
  'no-record': { tone: 'bad', means: 'The device record is missing. A replay creates the record again.' },
  unreadable: { tone: 'bad', means: 'This version cannot read the dead letter. Discard the dead letter.' },

  planned: { tone: 'plain', means: 'The set of devices is fixed. No request was sent yet.' },
  running: { tone: 'busy', means: 'Workers continue the action even if this page is closed.' },
  cancelling: { tone: 'busy', means: 'Workers are withdrawing the requests that are not finished.' },
  halted: {
    tone: 'bad',
    means: 'More than a tenth of a wave failed again. The remaining devices were not requested.',
  },
  done: { tone: 'good', means: 'All devices of the action have finished.' },
};
