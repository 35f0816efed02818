import { linkTo } from './route.js';

const places = { '': 'Overview', devices: 'Devices', 'dead-letters': 'Dead letters', actions: 'Actions' };

interface Props {
  path: string;
  by: string;
  onLeave(): void;
}

/** Where one can go, and the way out. */
export function TopBar({ path, by, onLeave }: Props) {
  const here = path.split('/')[0];
  return (
    <header class="top">
      <strong class="brand">Provisioner</strong>
      <nav aria-label="Views">
        <ul>
          {Object.entries(places).map(([place, name]) => (
            <li key={place}>
              <a href={linkTo(place)} aria-current={here === place ? 'page' : undefined}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <span class="who">
        {by && <span title="As it stands in the audit">{by}</span>}
        <button type="button" class="link" onClick={onLeave}>
          Forget the key
        </button>
      </span>
    </header>
  );
}
