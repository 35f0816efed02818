import type { DeadLetterPage, DeadLetterStatus } from '../../src/ops/deadLetters/schema.js';
import { Field } from '../parts/Field.js';
import { refine } from '../route.js';

const steps = ['validate', 'mint', 'register', 'store', 'remove'];
const statuses = [
  'failed',
  'quarantined',
  'cancelled',
  'discarded',
  'superseded',
  'pending',
  'no-record',
  'unreadable',
] satisfies DeadLetterStatus[];
const spans = ['30m', '2h', '24h', '7d'];
const spanHint = '2h, 7d, a date';

/** Keeps the list of single dead letters open if no filter is left. */
const single = { view: 'single' };

interface Props {
  query: Record<string, string>;
  page: DeadLetterPage | null;
}

/** The filters of the dead letters. A dead letter must match all of them. */
export function DeadLetterFilters({ query, page }: Props) {
  const field = (name: string) => ({
    value: query[name] ?? '',
    onDone: (value: string) => refine('dead-letters', { ...query, ...single, [name]: value }),
  });
  return (
    <search>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <Field label="Cause" {...field('errorCode')} choices={Object.keys(page?.byCode ?? {})} />
        <Field label="Step" {...field('step')} choices={steps} />
        <Field
          label="Fleet"
          {...field('fleet')}
          choices={Object.keys(page?.byFleet ?? {}).filter((name) => name !== 'unknown')}
        />
        <Field label="Status" {...field('status')} choices={statuses} />
        <Field label="Device" {...field('uuid')} hint="the whole UUID" />
        <Field label="Failed since" {...field('since')} suggestions={spans} hint={spanHint} />
        <Field label="Failed before" {...field('until')} suggestions={spans} hint={spanHint} />
        <button type="button" class="outline" onClick={() => refine('dead-letters', single)}>
          Clear
        </button>
      </form>
    </search>
  );
}
