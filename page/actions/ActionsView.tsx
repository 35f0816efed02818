import { useCallback } from 'preact/hooks';
import { outcomeOf } from '../../src/ops/bulk/outcome.js';
import type { Action } from '../../src/ops/bulk/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { filterText } from '../deadLetters/filterOf.js';
import { number } from '../format.js';
import { DataTable, nothing } from '../parts/DataTable.js';
import { Pager, usePaging } from '../parts/Pager.js';
import { actionNames, StateBadge } from '../parts/StateBadge.js';
import { Time } from '../parts/Time.js';
import { Empty, View } from '../parts/View.js';
import { linkTo } from '../route.js';

/** The time between two loads of the list: shorter while an action is unfinished. */
const unfinishedMs = 3_000;
const idleMs = 15_000;

/** The audit: all bulk actions and single requests with operator, time, filter and outcome. */
export function ActionsView() {
  const { actions: list } = useOps();
  const paging = usePaging('actions');
  const load = useCallback(
    (signal: AbortSignal) => list({ limit: paging.size, cursor: paging.cursor }, signal),
    [list, paging.size, paging.cursor],
  );
  const polled = usePolled(load, ({ actions }) => (actions.some(isUnfinished) ? unfinishedMs : idleMs));
  return (
    <View title="Actions" polled={polled}>
      {({ actions, total, next }) =>
        actions.length === 0 ? (
          <Empty>
            No operator has started anything yet. Each action will be listed here, with operator, time, filter
            and outcome.
          </Empty>
        ) : (
          <>
            <DataTable
              caption="Actions, the newest first"
              rows={actions}
              keyOf={({ id }) => id}
              columns={columns}
            />
            <Pager paging={paging} next={next} shown={actions.length} total={total} />
          </>
        )
      }
    </View>
  );
}

function isUnfinished({ state }: Action): boolean {
  return state === 'running' || state === 'cancelling';
}

const columns = [
  {
    head: 'Action',
    cell: ({ id, kind, counts, answer }: Action) => (
      <a href={linkTo(`actions/${id}`)}>
        {actionNames[kind]}
        {(answer === null || counts.planned > 1) && ` of ${number(counts.planned)}`}
      </a>
    ),
  },
  {
    head: 'State',
    cell: ({ state, answer }: Action) => (answer === null ? <StateBadge state={state} /> : nothing),
  },
  { head: 'Outcome', cell: (action: Action) => <span class="wrap">{outcomeOf(action)}</span> },
  {
    head: 'Filter',
    cell: ({ filter, kind }: Action) => <small class="wrap">{filterText(filter, kind)}</small>,
  },
  { head: 'By', cell: ({ startedBy, by }: Action) => <span class="wrap">{startedBy ?? by}</span> },
  { head: 'Started', cell: ({ startedAt }: Action) => <Time at={startedAt} /> },
];
