import { useEffect, useState } from 'preact/hooks';

const shownMs = 2_000;

/** A button that copies a text. The button says whether the browser allows the copy. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const [outcome, setOutcome] = useState('');
  useEffect(() => {
    if (outcome === '') return;
    const timer = setTimeout(() => setOutcome(''), shownMs);
    return () => clearTimeout(timer);
  }, [outcome]);
  return (
    <>
      <button
        type="button"
        class="link copy"
        onClick={async () => setOutcome((await copied(text)) ? 'copied' : 'copying is forbidden')}
      >
        Copy {what}
      </button>
      <span role="status" class="copied">
        {outcome}
      </span>
    </>
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
