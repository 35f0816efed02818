import { ActionsView } from './actions/ActionsView.js';
import { ActionView } from './actions/ActionView.js';
import { DeadLettersView } from './deadLetters/DeadLettersView.js';
import { DevicesView } from './devices/DevicesView.js';
import { DeviceView } from './devices/DeviceView.js';
import { OverviewView } from './overview/OverviewView.js';
import type { Route } from './route.js';

/** What is at a place. */
export function Location({ route: { path, query } }: { route: Route }) {
  const [view, id] = path.split('/');
  if (view === 'devices') return id ? <DeviceView key={id} uuid={id} /> : <DevicesView query={query} />;
  if (view === 'dead-letters') return <DeadLettersView query={query} />;
  if (view === 'actions') return id ? <ActionView key={id} id={id} /> : <ActionsView />;
  return <OverviewView />;
}
