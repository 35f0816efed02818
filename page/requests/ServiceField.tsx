import { useId } from 'preact/hooks';

interface Props {
  value: string;
  onChange(value: string): void;
}

/** The service for the variables. */
export function ServiceField({ value, onChange }: Props) {
  const id = useId();
  return (
    <>
      <label htmlFor={id}>Service</label>
      <input
        id={id}
        value={value}
        maxLength={255}
        placeholder="the device level: all services"
        autoComplete="off"
        spellcheck={false}
        aria-describedby={`${id}-help`}
        onInput={(event) => onChange(event.currentTarget.value.trim())}
      />
      <small id={`${id}-help`}>
        The name of a service of the fleet. Nothing stands for the device level.
      </small>
    </>
  );
}
