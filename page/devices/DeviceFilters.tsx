import { useEffect, useRef, useState } from 'preact/hooks';
import { number } from '../format.js';
import { Field } from '../parts/Field.js';
import { linkTo, refine } from '../route.js';

const states = ['queued', 'working', 'retrying', 'provisioned', 'deprovisioned', 'outside', 'failed'];
/** The search starts after this pause in typing. */
const pauseMs = 300;

interface Props {
  query: Record<string, string>;
  byState: Record<string, number>;
}

/** The filters of the devices: beginning of the UUID, state, outcome of the last check, fleet and cause. */
export function DeviceFilters({ query, byState }: Props) {
  const set = (name: string) => (value: string) => refine('devices', { ...query, [name]: value });
  return (
    <search>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <UuidSearch value={query.uuid ?? ''} onDone={set('uuid')} />
        <Field label="State" value={query.state ?? ''} choices={states} onDone={set('state')} />
        <Field
          label="Last check"
          value={query.lastCheck ?? ''}
          choices={['failed']}
          onDone={set('lastCheck')}
        />
        <Field label="Fleet" value={query.fleet ?? ''} hint="organization/name" onDone={set('fleet')} />
        <Field
          label="Cause"
          value={query.errorCode ?? ''}
          hint="code of the failure"
          onDone={set('errorCode')}
        />
        {Object.keys(query).length > 0 && (
          <button type="button" class="outline" onClick={() => refine('devices', {})}>
            Clear
          </button>
        )}
      </form>
      <ul class="chips" aria-label="Matching devices by state">
        {Object.entries(byState).map(([state, count]) => (
          <li key={state}>
            <a class="chip" href={linkTo('devices', { ...query, state })}>
              {state} {number(count)}
            </a>
          </li>
        ))}
      </ul>
    </search>
  );
}

function UuidSearch({ value, onDone }: { value: string; onDone(value: string): void }) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const isBad = text !== '' && !/^[0-9a-f]+$/.test(text);
  return (
    <label>
      Device
      <input
        type="search"
        value={text}
        placeholder="UUID or first digits"
        maxLength={62}
        autoComplete="off"
        spellcheck={false}
        aria-invalid={isBad || undefined}
        onInput={(event) => {
          // Operators also paste UUIDs in capitals, with hyphens, or with spaces around.
          const typed = event.currentTarget.value.trim().toLowerCase().replaceAll('-', '');
          setText(typed);
          clearTimeout(timer.current);
          if (/^[0-9a-f]*$/.test(typed)) timer.current = setTimeout(() => onDone(typed), pauseMs);
        }}
      />
    </label>
  );
}
