import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError } from '../api/openApi.js';

interface Props {
  title: string;
  onClose(): void;
  children: ComponentChildren;
}

/** A modal dialog. Escape closes the dialog, and the focus returns to the element that had the focus before. */
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

/** The error of a task, announced by screen readers. */
export function Problem({ error }: { error: ApiError | null }) {
  return <div role="alert">{error && <p class="banner">{error.message}</p>}</div>;
}

/** The state of the work that a click has started. */
export interface Task {
  isBusy: boolean;
  error: ApiError | null;
  /** Runs the work, unless earlier work is still running. Errors go to `error`. */
  run(work: () => Promise<void>): void;
}

/** Asynchronous work that a click starts; one piece of work runs at a time. */
export function useTask(): Task {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);
  return {
    isBusy,
    error,
    run(work) {
      if (isBusy) return;
      setBusy(true);
      setError(null);
      work()
        .finally(() => setBusy(false))
        .catch((failure) => setError(ApiError.from(failure)));
    },
  };
}
