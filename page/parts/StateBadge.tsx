import { words } from '../words.js';

/** How something is, in a word, with a colour that repeats it. */
export function StateBadge({ state }: { state: string }) {
  const { tone = 'plain', means = undefined } = words[state] ?? {};
  return (
    <span class={`badge ${tone}`} title={means}>
      {state}
    </span>
  );
}
