import { useContext, useId, useState } from 'preact/hooks';
import { useOps } from '../api/useOps.js';
import { SettingsContext } from '../api/useSettings.js';
import { ConfirmDialog } from '../parts/ConfirmDialog.js';
import { ServiceField } from './ServiceField.js';

interface Props {
  /** The device; without it, the operator enters the UUID. */
  uuid?: string;
  /** The present desired service of the device; null if there is none. */
  service?: string | null;
  onClose(): void;
  /** Called with the UUID of the requested device. */
  onRequested(uuid: string): void;
}

/** Requests credentials for a device, after a confirmation. */
export function ProvisionDialog({ uuid: given, service: present, onClose, onRequested }: Props) {
  const id = useId();
  const api = useOps();
  const fallback = useContext(SettingsContext)?.defaultService ?? '';
  const [typed, setTyped] = useState('');
  const [service, setService] = useState<string | null>(null);
  const uuid = given ?? typed.trim().toLowerCase().replaceAll('-', '');
  const chosen = service ?? present ?? fallback;
  const moves = present !== null && present !== undefined && chosen !== present;
  return (
    <ConfirmDialog
      title="Request credentials"
      keep="Change nothing"
      act="Request credentials"
      isReady={/^([0-9a-f]{32}|[0-9a-f]{62})$/.test(uuid)}
      onClose={onClose}
      onAct={async () => {
        await api.request({ operation: 'provision', uuid, service: chosen });
        onRequested(uuid);
      }}
    >
      {given === undefined ? (
        <>
          <label htmlFor={id}>UUID of the device</label>
          <input
            id={id}
            aria-describedby={`${id}-help`}
            value={typed}
            required
            maxLength={80}
            autoComplete="off"
            spellcheck={false}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
          <small id={`${id}-help`}>The whole UUID: 32 or 62 hexadecimal digits.</small>
        </>
      ) : (
        <p>
          Device <span class="mono">{given}</span>
        </p>
      )}
      <ServiceField value={chosen} onChange={setService} />
      <p>
        A worker registers the device with the hub, and stores AZURE_CERT and AZURE_PRIVATE_KEY in balena. A
        device that has its credentials already stays as it is.
        {moves && ' The credentials move to this service, and leave the other service.'}
      </p>
    </ConfirmDialog>
  );
}
