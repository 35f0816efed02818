import { useCallback, useMemo, useState } from 'preact/hooks';
import { openApi } from './api/openApi.js';
import { forgetKey, rememberedKey, rememberedName, type Session } from './api/Session.js';
import { OpsContext } from './api/useOps.js';
import { KeyForm } from './KeyForm.js';
import { Location } from './Location.js';
import { TopBar } from './TopBar.js';
import { useFocusOnHeading } from './useFocusOnHeading.js';
import { useRoute } from './useRoute.js';

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
