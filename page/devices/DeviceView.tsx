import { useCallback, useState } from 'preact/hooks';
import type { Action } from '../../src/ops/bulk/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { ReplayDialog } from '../deadLetters/ReplayDialog.js';
import { StateBadge } from '../parts/StateBadge.js';
import { View } from '../parts/View.js';
import { linkTo } from '../route.js';
import { CertificateCard, FailureCard, RefusalCard, RequestCard } from './DeviceCards.js';
import { History } from './History.js';

const pending = ['queued', 'working', 'retrying'];

/** One device: request, certificate, last error and history. */
export function DeviceView({ uuid }: { uuid: string }) {
  const { history } = useOps();
  const [isReplaying, setReplaying] = useState(false);
  const [started, setStarted] = useState<Action | null>(null);
  const load = useCallback((signal: AbortSignal) => history(uuid, signal), [history, uuid]);
  const polled = usePolled(load, ({ device }) => (pending.includes(device.state) ? 1_500 : 5_000));
  const device = polled.data?.device;
  return (
    <View
      title={
        <>
          Device <span class="mono">{uuid}</span>
        </>
      }
      polled={polled}
      before={
        <p>
          <a href={linkTo('devices')}>All devices</a>
        </p>
      }
      actions={
        device?.replayable && (
          <button type="button" onClick={() => setReplaying(true)}>
            Replay …
          </button>
        )
      }
    >
      {({ device, history: events }) => (
        <>
          <p role="status" class="state-line">
            <StateBadge state={device.state} />
            {started && (
              <span>
                The <a href={linkTo(`actions/${started.id}`)}>replay</a> was started. This page shows the
                progress.
              </span>
            )}
          </p>
          {device.error && <FailureCard device={device} error={device.error} />}
          {device.refusal && <RefusalCard refusal={device.refusal} />}
          <div class="cards">
            <RequestCard device={device} />
            <CertificateCard device={device} />
          </div>
          <History events={events} />
          {isReplaying && (
            <ReplayDialog
              filter={{ uuid }}
              onClose={() => setReplaying(false)}
              onStarted={(action) => {
                setReplaying(false);
                setStarted(action);
                polled.refresh();
              }}
            />
          )}
        </>
      )}
    </View>
  );
}
