import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Polled } from '../api/usePolled.js';
import { duration } from '../format.js';
import { useNow } from './Time.js';

interface Props<T> {
  title: ComponentChildren;
  polled: Polled<T>;
  /** Above its data, and there while it loads. */
  before?: ComponentChildren;
  /** Beside the title. */
  actions?: ComponentChildren;
  children(data: T): ComponentChildren;
}

/** One view: its heading, how old its data is, whether the API can be reached, and, once there is data, the rest. */
export function View<T>({ title, polled, before, actions, children }: Props<T>) {
  const { data, error } = polled;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent} – Provisioner ops`;
  });
  return (
    <main id="main">
      <header class="view">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <Age at={data ? polled.at : null} onRefresh={polled.refresh} />
        {actions && <div class="actions">{actions}</div>}
      </header>
      {before}
      <div role="alert">
        {error && (
          <p class="banner">
            <strong>{error.status === 0 ? 'No connection.' : 'That did not work.'}</strong> {error.message}
            {data ? ' What is shown is the last that was seen.' : ''}
            {error.status === 0 || error.status >= 500 ? ' It is tried again every few seconds.' : ''}
          </p>
        )}
      </div>
      {data ? children(data) : !error && <p aria-busy="true">Loading …</p>}
    </main>
  );
}

function Age({ at, onRefresh }: { at: number | null; onRefresh(): void }) {
  const now = useNow();
  if (at === null) return null;
  const age = Math.max(0, now - at);
  return (
    <span class="age" title={`Seen at ${new Date(at).toLocaleString()}`}>
      {age < 1_500 ? 'updated just now' : `updated ${duration(Math.floor(age / 1_000) * 1_000)} ago`}
      <button type="button" class="link" onClick={onRefresh}>
        Refresh
      </button>
    </span>
  );
}

/** There is nothing, and what that means. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
