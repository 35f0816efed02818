import { useOps } from '../api/useOps.js';
import { usePolled } from '../api/usePolled.js';
import { number, plural } from '../format.js';
import { linkTo } from '../route.js';

const everyMs = 10_000;
const mostShown = 6;

/** The progress of the fleets with the most pending and failed devices. */
export function FleetCard() {
  const { data } = usePolled(useOps().fleets, () => everyMs);
  if (!data || data.fleets.length === 0) return null;
  return (
    <section class="card">
      <h2>Fleets</h2>
      <ul class="fleets" aria-label="Progress by fleet">
        {data.fleets.slice(0, mostShown).map(({ fleet, done, devices, failed, pending }) => (
          <li key={fleet ?? ''}>
            <span class="name">
              {fleet === null ? 'fleet not known yet' : <a href={linkTo('devices', { fleet })}>{fleet}</a>}
            </span>
            <progress value={done} max={Math.max(1, devices)} aria-label={`${done} of ${devices} done`} />
            <small>
              {number(done)} of {number(devices)} done
              {pending > 0 && `, ${number(pending)} in progress`}
              {failed > 0 && `, ${number(failed)} failed`}
            </small>
          </li>
        ))}
      </ul>
      <p class="more">
        <a href={linkTo('fleets')}>{plural(data.fleets.length, 'fleet')}: request, rotate</a>
      </p>
    </section>
  );
}
