import { useState } from 'preact/hooks';
import { useOps } from '../api/useOps.js';
import { ConfirmDialog } from '../parts/ConfirmDialog.js';

interface Props {
  uuid: string;
  onClose(): void;
  onRequested(): void;
}

/** The digits that the operator types: enough to notice a wrong device. */
const typedDigits = 7;

/** Removes the credentials of a device, after the operator has typed the first digits of the UUID. */
export function DeprovisionDialog({ uuid, onClose, onRequested }: Props) {
  const api = useOps();
  const [typed, setTyped] = useState('');
  const first = uuid.slice(0, typedDigits);
  return (
    <ConfirmDialog
      title="Remove the credentials"
      keep="Keep the credentials"
      act="Remove the credentials"
      isDangerous
      isReady={typed.trim().toLowerCase() === first}
      onClose={onClose}
      onAct={async () => {
        await api.request({ operation: 'deprovision', uuid });
        onRequested();
      }}
    >
      <p>
        The device <span class="mono">{uuid}</span> loses its identity in IoT Hub and its variables in balena,
        and cannot connect any more. A new request of the device provisions the device again.
      </p>
      <label>
        Type the first {typedDigits} digits of the UUID ({first})
        <input
          value={typed}
          required
          maxLength={typedDigits}
          autoComplete="off"
          spellcheck={false}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </label>
    </ConfirmDialog>
  );
}
