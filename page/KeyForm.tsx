import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { ApiError, openApi } from './api/openApi.js';
import { type KeySession, remember, rememberedName, type Session } from './api/Session.js';
import { SignIn } from './SignIn.js';

interface Props {
  /** Why the last key is no longer used; empty at the first visit. */
  reason: string;
  onKey(session: Session): void;
}

/** The form for the key of the function `ops`. The form tries the key with one request before the page opens. */
export function KeyForm({ reason, onKey }: Props) {
  const [key, setKey] = useState('');
  const [by, setBy] = useState(rememberedName);
  const [keep, setKeep] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState(reason);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    document.title = 'Provisioner operations';
    field.current?.focus();
  }, []);

  async function onSubmit(event: Event) {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setProblem('');
    const session: KeySession = { kind: 'key', key: key.trim(), by: by.trim() };
    try {
      await openApi(session, () => {}).actions({ limit: 1 });
      remember(session, keep);
      onKey(session);
    } catch (error) {
      setBusy(false);
      const { status, message } = ApiError.from(error);
      setProblem(status === 401 ? 'This key is not accepted. Enter the key of the function “ops”.' : message);
      field.current?.select();
    }
  }

  return (
    <main id="main" class="key">
      <form class="card" onSubmit={onSubmit}>
        <h1>Provisioner operations</h1>
        <p>Which devices are stuck, why, and how to fix them.</p>
        <div role="alert">{problem && <p class="banner">{problem}</p>}</div>
        <SignIn onOpen={onKey} />
        <label>
          Ops key
          <input
            ref={field}
            type="password"
            value={key}
            required
            autoComplete="off"
            spellcheck={false}
            aria-describedby="key-help"
            onInput={(event) => setKey(event.currentTarget.value)}
          />
          <small id="key-help">
            The key of the function “ops”, or a host key. The page sends the key in a header only, and keeps
            the key in memory.
          </small>
        </label>
        <label>
          Your name (optional)
          <input
            value={by}
            maxLength={100}
            autoComplete="name"
            aria-describedby="name-help"
            onInput={(event) => setBy(event.currentTarget.value)}
          />
          <small id="name-help">The audit names you beside each action that you start.</small>
        </label>
        <label>
          <input type="checkbox" checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} />
          Keep the key until this tab is closed
        </label>
        <button type="submit" disabled={isBusy || key.trim() === ''} aria-busy={isBusy}>
          Open
        </button>
      </form>
    </main>
  );
}
