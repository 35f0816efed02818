import type { ComponentChildren } from 'preact';
import { Dialog, Problem, useTask } from './Dialog.js';

interface Props {
  title: string;
  /** The text of the button that does nothing. */
  keep: string;
  /** The text of the button that acts. */
  act: string;
  /** Whether the action takes something away. */
  isDangerous?: boolean;
  /** Whether the fields allow the action. */
  isReady?: boolean;
  onClose(): void;
  /** Acts. A thrown error is shown in the dialog. */
  onAct(): Promise<void>;
  children: ComponentChildren;
}

/** Explains an action, and has two buttons: one does nothing, the other acts. */
export function ConfirmDialog({
  title,
  keep,
  act,
  isDangerous = false,
  isReady = true,
  onClose,
  onAct,
  children,
}: Props) {
  const { isBusy, error, run } = useTask();
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(onAct);
        }}
      >
        {children}
        <Problem error={error} />
        <footer>
          <button type="button" class="secondary outline" onClick={onClose}>
            {keep}
          </button>
          <button
            type="submit"
            class={isDangerous ? 'danger' : ''}
            disabled={isBusy || !isReady}
            aria-busy={isBusy}
          >
            {act}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
