import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Polled } from '../api/usePolled.js';
import { duration } from '../format.js';
import { useNow } from './Time.js';

interface Props<T> {
  title: ComponentChildren;
  polled: Polled<T>;
  /** Content above the data, shown while the data loads too. */
  before?: ComponentChildren;
  /** Buttons beside the title. */
  actions?: ComponentChildren;
  children(data: T): ComponentChildren;
}

/** The frame of a view: heading, age of the data, the error of the last load, and, once data has arrived, the content. */
export function View<T>({ title, polled, before, actions, children }: Props<T>) {
  const { data, error } = polled;
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${heading.current?.textContent} – Provisioner operations`;
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
            <strong>{error.status === 0 ? 'No connection.' : 'The request failed.'}</strong> {error.message}
            {data ? ' The page shows the last data that was loaded.' : ''}
            {error.status === 0 || error.status >= 500 ? ' The page tries again every few seconds.' : ''}
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
    <span class="age" title={`Loaded at ${new Date(at).toLocaleString()}`}>
      {age < 1_500 ? 'updated just now' : `updated ${duration(Math.floor(age / 1_000) * 1_000)} ago`}
      <button type="button" class="link" onClick={onRefresh}>
        Refresh
      </button>
    </span>
  );
}

/** The text of an empty list, which says why the list is empty. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
