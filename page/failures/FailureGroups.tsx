import { useCallback, useState } from 'preact/hooks';
import type { FailureGroup } from '../../src/ops/failures/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { DiscardDialog } from '../deadLetters/DiscardDialog.js';
import type { DeadLetterFilter } from '../deadLetters/filterOf.js';
import { ReplayDialog } from '../deadLetters/ReplayDialog.js';
import { number, plural, serviceName } from '../format.js';
import { ActButton } from '../parts/ActButton.js';
import { Advice } from '../parts/Advice.js';
import { RunbookLink } from '../parts/DeviceLinks.js';
import { Time } from '../parts/Time.js';
import { Empty, View } from '../parts/View.js';
import { linkTo } from '../route.js';

const everyMs = 5_000;

/** A dialog of one group. */
interface Open {
  kind: 'replay' | 'discard';
  filter: DeadLetterFilter;
}

/** All failures, grouped by cause and fleet. Single dead letters are one click away. */
export function FailuresView() {
  const { failures } = useOps();
  const [open, setOpen] = useState<Open | null>(null);
  const polled = usePolled(failures, () => everyMs);
  const dialogProps = open && {
    filter: open.filter,
    onClose: () => setOpen(null),
    onStarted({ id }: { id: string }) {
      location.hash = linkTo(`actions/${id}`);
    },
  };
  return (
    <View
      title="Failures"
      polled={polled}
      before={
        <p>
          <a href={linkTo('dead-letters', { view: 'single' })}>Single dead letters, with filters</a>
        </p>
      }
    >
      {({ groups, total, incomplete }) => (
        <>
          {incomplete && <p class="note">{incomplete}</p>}
          {groups.length === 0 ? (
            <Empty>Nothing fails: every request has succeeded, or waits for its turn.</Empty>
          ) : (
            <GroupList groups={groups} onOpen={(kind, filter) => setOpen({ kind, filter })} />
          )}
          {total > groups.length && (
            <p class="more">
              The largest {number(groups.length)} of {number(total)} groups are shown.
            </p>
          )}
          {dialogProps && open?.kind === 'replay' && <ReplayDialog {...dialogProps} />}
          {dialogProps && open?.kind === 'discard' && <DiscardDialog {...dialogProps} />}
        </>
      )}
    </View>
  );
}

interface ListProps {
  groups: FailureGroup[];
  onOpen(kind: Open['kind'], filter: DeadLetterFilter): void;
}

function GroupList({ groups, onOpen }: ListProps) {
  return (
    <ul class="groups" aria-label="Failures by cause and fleet">
      {groups.map((group) => (
        <li key={`${group.code} ${group.step} ${group.fleet}`} class="card">
          <Group group={group} onOpen={onOpen} />
        </li>
      ))}
    </ul>
  );
}

function Group({ group, onOpen }: { group: FailureGroup; onOpen: ListProps['onOpen'] }) {
  const { code, step, fleet, since, latest, message, advice, services, deadLetters, failed } = group;
  const filter = { code, ...(step && { step }), ...(fleet && { fleet }) };
  const open = useCallback((kind: Open['kind']) => onOpen(kind, filter), [onOpen, code, step, fleet]);
  return (
    <>
      <header class="group">
        <h2>
          <a href={linkOf(group)}>{code}</a>
        </h2>
        <Counts group={group} />
        <span class="where">
          {fleet ?? 'fleet not known yet'}
          {step && <> · step {step}</>}
          {services.length > 0 && <> · {services.map(serviceName).join(', ')}</>}
        </span>
        <span class="since">
          {deadLetters > 0 || failed > 0 ? 'failing since' : 'oldest request'} <Time at={since} /> (
          <Time at={since} isRelative />)
          {latest && latest !== since && (
            <>
              , last <Time at={latest} />
            </>
          )}
        </span>
      </header>
      {message && <p class="message">{message}</p>}
      <p>
        <strong>What to do:</strong> <Advice advice={advice} /> <RunbookLink section={group.runbook} />
      </p>
      {deadLetters > 0 && (
        <p class="buttons">
          <ActButton onClick={() => open('replay')} aria-label={`Replay ${code} ${fleet ?? ''} …`}>
            Replay …
          </ActButton>
          <ActButton
            class="outline"
            onClick={() => open('discard')}
            aria-label={`Discard ${code} ${fleet ?? ''} …`}
          >
            Discard …
          </ActButton>
          <a href={linkOf(group)}>{plural(deadLetters, 'dead letter')}</a>
        </p>
      )}
    </>
  );
}

function Counts({ group: { failed, replayed, retrying, checksFailed } }: { group: FailureGroup }) {
  return (
    <span class="counts">
      {failed > 0 && <span class="badge bad">{number(failed)} failed</span>}
      {replayed > 0 && <span class="badge bad">{number(replayed)} failed again after a replay</span>}
      {retrying > 0 && <span class="badge busy">{number(retrying)} retrying</span>}
      {checksFailed > 0 && <span class="badge bad">{plural(checksFailed, 'failed check')}</span>}
    </span>
  );
}

/** The list that shows the devices of a group: the dead letters, or the devices. */
export function linkOf({ code, step, fleet, deadLetters, failed, retrying }: FailureGroup): string {
  if (deadLetters > 0)
    return linkTo('dead-letters', {
      errorCode: code,
      step: step ?? undefined,
      fleet: fleet ?? undefined,
    });
  const state = failed > 0 ? 'failed' : retrying > 0 ? 'retrying' : undefined;
  return linkTo('devices', { errorCode: code, state, fleet: fleet ?? undefined });
}
