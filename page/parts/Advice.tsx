/** The operator's next step. Commands between backticks are shown as code. */
export function Advice({ advice }: { advice: string }) {
  return (
    <>
      {advice
        .split('`')
        .map((part, index) =>
          index % 2 === 1 ? <code key={part}>{part}</code> : <span key={part}>{part}</span>,
        )}
    </>
  );
}
