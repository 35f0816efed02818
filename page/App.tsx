import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { ActionsView } from './actions/ActionsView.js';
import { ActionView } from './actions/ActionView.js';
import { openApi } from './api/openApi.js';
import { forgetKey, rememberedKey, rememberedName, type Session } from './api/Session.js';
import { OpsContext } from './api/useOps.js';
import { SettingsContext, useSettings } from './api/useSettings.js';
import { CertificatesView } from './certificates/CertificatesView.js';
import { DeadLettersView } from './deadLetters/DeadLettersView.js';
import { DevicesView } from './devices/DevicesView.js';
import { DeviceView } from './devices/DeviceView.js';
import { FailuresView } from './failures/FailureGroups.js';
import { FleetsView } from './fleets/FleetsView.js';
import { KeyForm } from './KeyForm.js';
import { LiveView } from './live/LiveView.js';
import { OverviewView } from './overview/OverviewView.js';
import { MayActContext } from './parts/ActButton.js';
import { type Route, useRoute } from './route.js';
import { StatusLine } from './status/StatusLine.js';
import { TopBar } from './TopBar.js';

/** The page. Without a key the page shows the form for the key, with a key the view that the address names. */
export function App() {
  const [session, setSession] = useState<Session>(noSession);
  const [reason, setReason] = useState('');
  const route = useRoute();
  const leave = useCallback((why: string) => {
    forgetKey();
    setReason(why);
    setSession(noSession);
  }, []);
  const api = useMemo(
    () =>
      openApi(session, () =>
        leave(
          session.kind === 'key'
            ? 'The key is no longer accepted. Enter the new key.'
            : 'The sign-in has ended. Sign in again.',
        ),
      ),
    [session, leave],
  );
  const isOpen = session.kind === 'microsoft' || session.key !== '';
  useFocusOnHeading(isOpen, route.path);
  const settings = useSettings(api, isOpen);
  const mayAct = session.kind === 'key' || session.mayAct;

  if (!isOpen) return <KeyForm reason={reason} onKey={setSession} />;
  return (
    <OpsContext.Provider value={api}>
      <button type="button" class="skip" onClick={skip}>
        Skip to the content
      </button>
      <SettingsContext.Provider value={settings}>
        <StatusLine />
        <TopBar path={route.path} session={session} onLeave={() => leave('')} />
        <MayActContext.Provider value={mayAct}>
          <CurrentView route={route} />
        </MayActContext.Provider>
      </SettingsContext.Provider>
    </OpsContext.Provider>
  );
}

function noSession(): Session {
  return { kind: 'key', key: rememberedKey(), by: rememberedName() };
}

/** Moves the focus to the heading. A link would not work: a link would change the part of the address after `#`, which names the view. */
function skip(): void {
  document.querySelector<HTMLElement>('h1')?.focus();
}

/** The view that the route names. For an unknown name the overview is shown. */
export function CurrentView({ route: { path, query } }: { route: Route }) {
  const [view, id] = path.split('/');
  if (view === 'devices') return id ? <DeviceView key={id} uuid={id} /> : <DevicesView query={query} />;
  if (view === 'dead-letters')
    return Object.keys(query).length === 0 ? <FailuresView /> : <DeadLettersView query={query} />;
  if (view === 'fleets') return <FleetsView />;
  if (view === 'certificates') return <CertificatesView query={query} />;
  if (view === 'live') return <LiveView />;
  if (view === 'actions') return id ? <ActionView key={id} id={id} /> : <ActionsView />;
  return <OverviewView />;
}

/**
 * Moves the focus to the heading when another view opens, as a browser does when another page loads. At the first view the
 * focus stays where the browser has put the focus.
 *
 * @param isOpen whether the operator has entered a key
 * @param path the path of the route
 */
export function useFocusOnHeading(isOpen: boolean, path: string): void {
  const isFirst = useRef(true);
  // The effect does not read the path, but runs when the path changes.
  useEffect(() => {
    if (isOpen && !isFirst.current) {
      document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [isOpen, path]);
}
