interface Props {
  advice: string;
  /** The fleet of the failures, which replaces `<slug>` in commands; null if the fleet is not known. */
  fleet?: string | null;
}

/** The operator's next step. Commands between backticks are shown as code. */
export function Advice({ advice, fleet }: Props) {
  const text = fleet ? advice.replaceAll('<slug>', fleet) : advice;
  return (
    <>
      {text
        .split('`')
        .map((part, index) =>
          index % 2 === 1 ? <code key={part}>{part}</code> : <span key={part}>{part}</span>,
        )}
    </>
  );
}
