interface Props {
  value: string;
  onChange(value: string): void;
}

/** The service for the variables. */
export function ServiceField({ value, onChange }: Props) {
  return (
    <label>
      Service
      <input
        value={value}
        maxLength={255}
        placeholder="the device level: all services"
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => onChange(event.currentTarget.value.trim())}
      />
      <small>The name of a service of the fleet. Nothing stands for the device level.</small>
    </label>
  );
}
