/** How something is, in a word, with a colour that repeats it. */
export function StateBadge({ state }: { state: string }) {
  const { tone = 'plain', means = undefined } = words[state] ?? {};
  return (
    <span class={`badge ${tone}`} title={means}>
      {state}
    </span>
  );
}

/** What a bulk action is called. */
export const actionNames = { replay: 'Replay', discard: 'Discard', rotate: 'Rotation' };

type Tone = 'good' | 'bad' | 'busy' | 'plain';

/** States of requests, letters and actions: how they look, and what they mean. */
export const words: Record<string, { tone: Tone; means: string }> = {
  queued: { tone: 'plain', means: 'Accepted; waits for its turn at the hub.' },
  working: { tone: 'busy', means: 'A worker is at it.' },
  retrying: { tone: 'busy', means: 'It did not work yet, and is tried again by itself.' },
  provisioned: { tone: 'good', means: 'Registered with the hub, and its credentials are in balena.' },
  deprovisioned: { tone: 'plain', means: 'Its hub identity and its variables are removed, as asked.' },
  failed: { tone: 'bad', means: 'Failed for good: it needs a person. It can be replayed or discarded.' },

  quarantined: {
    tone: 'bad',
    means: 'Failed again after so many replays that only a replay of this one device takes it.',
  },
  cancelled: { tone: 'plain', means: 'A replay of it was cancelled. It can be replayed.' },
  discarded: { tone: 'plain', means: 'Ops want nothing more of it; its letter goes within minutes.' },
  superseded: { tone: 'plain', means: 'Its record has moved on; the letter goes within minutes.' },
  owed: { tone: 'busy', means: 'Work that is still owed; the overdue timer sends it again.' },
  'no-record': { tone: 'bad', means: 'A letter whose record is gone. A replay makes the record anew.' },
  unreadable: { tone: 'bad', means: 'A letter that this version cannot read. It can be discarded.' },

  planned: { tone: 'plain', means: 'Its set is fixed; nothing was done yet.' },
  running: { tone: 'busy', means: 'Workers carry it on, whether this page is open or not.' },
  cancelling: { tone: 'busy', means: 'What is not done yet is being given up again.' },
  halted: { tone: 'bad', means: 'Too many of a wave failed again, so the rest was not asked for.' },
  done: { tone: 'good', means: 'Each of its devices has come to an end.' },
};
