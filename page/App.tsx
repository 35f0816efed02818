import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ActionsView } from './actions/ActionsView.js';
import { ActionView } from './actions/ActionView.js';
import { openApi } from './api/openApi.js';
import { forgetKey, rememberedKey, rememberedName, type Session } from './api/Session.js';
import { OpsContext } from './api/useOps.js';
import { DeadLettersView } from './deadLetters/DeadLettersView.js';
import { DevicesView } from './devices/DevicesView.js';
import { DeviceView } from './devices/DeviceView.js';
import { KeyForm } from './KeyForm.js';
import { OverviewView } from './overview/OverviewView.js';
import { type Route, useRoute } from './route.js';
import { TopBar } from './TopBar.js';

/** The page: without a key it asks for one, with it it shows what the address says. */
export function App() {
  const [session, setSession] = useState<Session>(() => ({ key: rememberedKey(), by: rememberedName() }));
  const [reason, setReason] = useState('');
  const route = useRoute();
  const leave = useCallback((why: string) => {
    forgetKey();
    setReason(why);
    setSession((last) => ({ ...last, key: '' }));
  }, []);
  const api = useMemo(
    () =>
      openApi(session.key, session.by, () => leave('The key is not accepted any more. Give the new one.')),
    [session, leave],
  );
  const isOpen = session.key !== '';
  useFocusOnHeading(isOpen, route.path);

  if (!isOpen) return <KeyForm reason={reason} onKey={setSession} />;
  return (
    <OpsContext.Provider value={api}>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <TopBar path={route.path} by={session.by} onLeave={() => leave('')} />
      <Location route={route} />
    </OpsContext.Provider>
  );
}

/** No link: the part after `#` says where one is, and must not change for this. */
function skip(): void {
  document.querySelector<HTMLElement>('h1')?.focus();
}

/** What is at a place. */
export function Location({ route: { path, query } }: { route: Route }) {
  const [view, id] = path.split('/');
  if (view === 'devices') return id ? <DeviceView key={id} uuid={id} /> : <DevicesView query={query} />;
  if (view === 'dead-letters') return <DeadLettersView query={query} />;
  if (view === 'actions') return id ? <ActionView key={id} id={id} /> : <ActionsView />;
  return <OverviewView />;
}

/**
 * At another place the focus goes to its heading, as it does when a page is loaded. Not at the very start, where the browser
 * does that.
 *
 * @param isOpen whether a key was given
 */
export function useFocusOnHeading(isOpen: boolean, path: string): void {
  const isFirst = useRef(true);
  // The path is what it is about.
  useEffect(() => {
    if (isOpen && !isFirst.current) {
      document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [isOpen, path]);
}
