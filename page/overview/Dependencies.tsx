import type { Overview } from '../../src/ops/overview/schema.js';

const names = { balena: 'balena', hub: 'IoT Hub' };

/** Balena and the hub, as the workers last saw them. */
export function Dependencies({ dependencies }: Pick<Overview, 'dependencies'>) {
  return (
    <section class="card">
      <h2>Dependencies</h2>
      <ul class="lines">
        {(['balena', 'hub'] as const).map((name) => {
          const { ok, detail } = dependencies[name];
          return (
            <li key={name}>
              <span class={`badge ${ok ? 'good' : 'bad'}`}>{ok ? 'well' : 'not well'}</span>
              <span>
                <strong>{names[name]}</strong> <small>{detail}</small>
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
