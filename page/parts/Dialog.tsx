import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/openApi.js';

interface Props {
  title: string;
  onClose(): void;
  children: ComponentChildren;
}

/** A modal dialog. Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement;
    const element = dialog.current;
    element?.showModal();
    return () => {
      element?.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <article>
        <header>
          <button type="button" class="close" aria-label="Close" onClick={onClose} />
          <h2 id={id}>{title}</h2>
        </header>
        {children}
      </article>
    </dialog>
  );
}

/** What went wrong with something that was just tried. */
export function Problem({ error }: { error: ApiError | null }) {
  return <div role="alert">{error && <p class="banner">{error.message}</p>}</div>;
}

export interface Task {
  isBusy: boolean;
  error: ApiError | null;
  /** Does it, unless something is being done already. */
  run(what: () => Promise<void>): Promise<void>;
}

/** Something that a click does, once at a time. */
export function useTask(): Task {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  return {
    isBusy,
    error,
    async run(what) {
      if (isBusy) return;
      setBusy(true);
      setError(null);
      try {
        await what();
      } catch (failure) {
        setError(ApiError.from(failure));
      } finally {
        setBusy(false);
      }
    },
  };
}
