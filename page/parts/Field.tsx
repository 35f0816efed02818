import { useEffect, useId, useState } from 'preact/hooks';

interface Props {
  label: string;
  value: string;
  /** Called after a choice, after Enter, or when the field loses the focus. */
  onDone(value: string): void;
  /** With choices, the field is a list of these and "any"; without choices, a text field. */
  choices?: readonly string[];
  /** The text of a choice; default: the choice. With texts, the list has no "any". */
  textOf?(choice: string): string;
  /** Suggestions for a text field. */
  suggestions?: readonly string[];
  /** The placeholder of a text field. */
  hint?: string;
}

/** One field of a filter. */
export function Field({ label, value, onDone, choices, textOf, suggestions, hint }: Props) {
  const id = useId();
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  if (choices) {
    const all = value === '' || choices.includes(value) ? choices : [value, ...choices];
    return (
      <label htmlFor={id}>
        {label}
        <select id={id} value={value} onChange={(event) => onDone(event.currentTarget.value)}>
          {!textOf && <option value="">any</option>}
          {all.map((choice) => (
            <option key={choice} value={choice}>
              {textOf ? textOf(choice) : choice}
            </option>
          ))}
        </select>
      </label>
    );
  }
  return (
    <label htmlFor={id}>
      {label}
      <input
        id={id}
        value={text}
        placeholder={hint}
        list={suggestions && `${id}-list`}
        autoComplete="off"
        spellcheck={false}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={(event) => onDone(event.currentTarget.value.trim())}
      />
      {suggestions && (
        <datalist id={`${id}-list`}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </label>
  );
}
