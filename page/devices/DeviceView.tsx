import { useCallback, useState } from 'preact/hooks';
import type { Action } from '../../src/ops/bulk/schema.js';
import type { DeviceHistory } from '../../src/ops/devices/schema.js';
import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { ReplayDialog } from '../deadLetters/ReplayDialog.js';
import { ActButton } from '../parts/ActButton.js';
import { CopyButton } from '../parts/CopyButton.js';
import { DeviceLinks } from '../parts/DeviceLinks.js';
import { StateBadge } from '../parts/StateBadge.js';
import { View } from '../parts/View.js';
import { DeprovisionDialog } from '../requests/DeprovisionDialog.js';
import { ProvisionDialog } from '../requests/ProvisionDialog.js';
import { RotateDialog } from '../requests/RotateDialog.js';
import { linkTo } from '../route.js';
import { CertificateCard, FailureCard, RefusalCard, RequestCard, WaitingCard } from './DeviceCards.js';
import { History } from './History.js';

const pending = ['queued', 'working', 'retrying'];

type DialogKind = 'replay' | 'provision' | 'rotate' | 'deprovision';

/** One device: request, certificate, last error and history, and what an operator can do. */
export function DeviceView({ uuid }: { uuid: string }) {
  const { history } = useOps();
  const [dialog, setDialog] = useState<DialogKind | null>(null);
  const [started, setStarted] = useState<Action | null>(null);
  const load = useCallback((signal: AbortSignal) => history(uuid, signal), [history, uuid]);
  const polled = usePolled(load, ({ device }) => (pending.includes(device.state) ? 1_500 : 5_000));
  const device = polled.data?.device;
  const done = (action: Action | null) => {
    setDialog(null);
    setStarted(action);
    polled.refresh();
  };
  return (
    <View
      title={
        <>
          Device <span class="mono">{uuid}</span>
        </>
      }
      polled={polled}
      before={
        <p class="links">
          <a href={linkTo('devices')}>All devices</a>
          <CopyButton text={uuid} what="UUID" />
          <DeviceLinks uuid={uuid} />
        </p>
      }
      actions={device && <DeviceActions device={device} onOpen={setDialog} />}
    >
      {({ device, history: events }) => (
        <>
          <p role="status" class="state-line">
            <StateBadge state={device.state} />
            {device.operation === 'rotate' && pending.includes(device.state) && (
              <span>
                The rotation of the certificate is in progress. The present certificate works until then.
              </span>
            )}
            {started && (
              <span>
                The <a href={linkTo(`actions/${started.id}`)}>{started.kind}</a> was started. This page shows
                the progress.
              </span>
            )}
          </p>
          {device.error && <FailureCard device={device} error={device.error} />}
          {device.refusal && <RefusalCard device={device} refusal={device.refusal} />}
          {device.waiting && <WaitingCard waiting={device.waiting} />}
          <div class="cards">
            <RequestCard device={device} />
            <CertificateCard device={device} />
          </div>
          <History events={events} />
          {dialog && (
            <DeviceDialog kind={dialog} device={device} onClose={() => setDialog(null)} onDone={done} />
          )}
        </>
      )}
    </View>
  );
}

interface ActionsProps {
  device: DeviceHistory['device'];
  onOpen(kind: DialogKind): void;
}

/** The buttons of a device. The first button is the usual next step. */
function DeviceActions({ device, onOpen }: ActionsProps) {
  const { replayable, operation, certificate } = device;
  return (
    <>
      {replayable && <ActButton onClick={() => onOpen('replay')}>Replay …</ActButton>}
      <ActButton class="outline" onClick={() => onOpen('provision')}>
        Provision …
      </ActButton>
      {certificate && operation !== 'deprovision' && (
        <ActButton class="outline" onClick={() => onOpen('rotate')}>
          Rotate …
        </ActButton>
      )}
      {operation !== 'deprovision' && (
        <ActButton class="danger outline" onClick={() => onOpen('deprovision')}>
          Deprovision …
        </ActButton>
      )}
    </>
  );
}

interface DialogProps {
  kind: DialogKind;
  device: DeviceHistory['device'];
  onClose(): void;
  /** Called after the start of a bulk action, or after a request (null). */
  onDone(action: Action | null): void;
}

function DeviceDialog({ kind, device, onClose, onDone }: DialogProps) {
  const { uuid, service } = device;
  if (kind === 'replay') return <ReplayDialog filter={{ uuid }} onClose={onClose} onStarted={onDone} />;
  if (kind === 'rotate') return <RotateDialog filter={{ uuid }} onClose={onClose} onStarted={onDone} />;
  if (kind === 'deprovision')
    return <DeprovisionDialog uuid={uuid} onClose={onClose} onRequested={() => onDone(null)} />;
  return <ProvisionDialog uuid={uuid} service={service} onClose={onClose} onRequested={() => onDone(null)} />;
}
