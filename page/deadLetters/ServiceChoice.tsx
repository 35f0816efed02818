import { useId, useState } from 'preact/hooks';

interface Props {
  isBusy: boolean;
  /** @param service undefined: as requested; '': the device level */
  onChosen(service: string | undefined): void;
}

/** Chooses the service of a replay: as requested, another service by its name, or the device level. */
export function ServiceChoice({ isBusy, onChosen }: Props) {
  const id = useId();
  const [choice, setChoice] = useState('same');
  const [name, setName] = useState('');
  return (
    <div class="grid">
      <label htmlFor={`${id}-choice`}>
        With service
        <select
          id={`${id}-choice`}
          value={choice}
          disabled={isBusy}
          onChange={({ currentTarget: { value } }) => {
            setChoice(value);
            if (value !== 'other') onChosen(value === 'same' ? undefined : '');
          }}
        >
          <option value="same">as requested</option>
          <option value="other">another service …</option>
          <option value="device">the device level</option>
        </select>
      </label>
      {choice === 'other' && (
        <label htmlFor={`${id}-name`}>
          Name of the service
          <input
            id={`${id}-name`}
            value={name}
            disabled={isBusy}
            autoComplete="off"
            spellcheck={false}
            onInput={(event) => setName(event.currentTarget.value)}
            onChange={() => name.trim() !== '' && onChosen(name.trim())}
          />
          <small>Enter checks in balena whether the devices have the service.</small>
        </label>
      )}
    </div>
  );
}
