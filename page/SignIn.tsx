import { useEffect, useState } from 'preact/hooks';
import type { SignInState } from '../src/http/signIn/answer.js';
import type { Session } from './api/Session.js';
import { readSignIn, signInAddress, signOutAddress } from './api/signIn.js';

/** Sign-in with Microsoft, above the form for the key. Nothing is shown while the sign-in is off. */
export function SignIn({ onOpen }: { onOpen(session: Session): void }) {
  const [state, setState] = useState<SignInState | null>(null);
  useEffect(() => {
    const controller = new AbortController();
    void readSignIn(controller.signal).then(setState);
    return () => controller.abort();
  }, []);
  if (!state || state.signIn === 'off') return null;
  return (
    <section class="sign-in" aria-label="Sign in with Microsoft">
      {state.signIn === 'platform-off' && (
        <p class="note">
          Sign-in is switched on in the settings (OPS_SIGN_IN), and App Service Authentication is off. Use the
          key.
        </p>
      )}
      {state.signIn === 'signed-out' && (
        <p>
          <button type="button" onClick={() => location.assign(signInAddress())}>
            Sign in with Microsoft
          </button>
        </p>
      )}
      {state.signIn === 'signed-in' && <SignedIn state={state} onOpen={onOpen} />}
      <p class="or">or with the key</p>
    </section>
  );
}

function SignedIn({
  state: { name, mayLook, mayAct },
  onOpen,
}: {
  state: SignInState;
  onOpen(session: Session): void;
}) {
  const by = name ?? '';
  if (!mayLook)
    return (
      <p class="note">
        You are signed in as {by}, without a role for this page. An administrator assigns the app role
        Provisioner.Look or Provisioner.Act. <a href={signOutAddress()}>Sign out</a>
      </p>
    );
  return (
    <p>
      <button type="button" onClick={() => onOpen({ kind: 'microsoft', by, mayAct })}>
        Open as {by}
        {!mayAct && ', for looking only'}
      </button>
      <a href={signOutAddress()}>Sign out</a>
    </p>
  );
}
