import type { Session } from './api/Session.js';
import { signOutAddress } from './api/signIn.js';
import { timeZone } from './format.js';
import { linkTo } from './route.js';

const views = {
  '': 'Overview',
  'dead-letters': 'Failures',
  devices: 'Devices',
  fleets: 'Fleets',
  live: 'Live',
  actions: 'Actions',
};

interface Props {
  /** The path of the current route. */
  path: string;
  session: Session;
  onLeave(): void;
}

/** The bar at the top: links to the views, and the button that forgets the key. */
export function TopBar({ path: route, session, onLeave }: Props) {
  const zone = timeZone(Date.now());
  const current = route.split('/')[0];
  return (
    <header class="top">
      <strong class="brand">Provisioner</strong>
      <nav aria-label="Views">
        <ul>
          {Object.entries(views).map(([path, name]) => (
            <li key={path}>
              <a href={linkTo(path)} aria-current={current === path ? 'page' : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <span class="who">
        <span title="The time zone of all times on this page">
          <span class="zone-name">{zone.name}</span> {zone.offset}
        </span>
        {session.by && <span title="Your name in the audit">{session.by}</span>}
        {session.kind === 'key' ? (
          <button type="button" class="link" onClick={onLeave}>
            Forget the key
          </button>
        ) : (
          <>
            {!session.mayAct && (
              <span title="To act, you need the app role Provisioner.Act. An administrator assigns the role.">
                looking only
              </span>
            )}
            <a href={signOutAddress()}>Sign out</a>
          </>
        )}
      </span>
    </header>
  );
}
