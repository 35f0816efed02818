import type { DeviceHistory } from '../../src/ops/devices/schema.js';
import { adviceFor } from '../../src/shared/errorPolicy.js';
import { linkTo } from '../route.js';

type Device = DeviceHistory['device'];

/** Why it is not done, and what to do about it. */
export function FailureCard({ device, error }: { device: Device; error: NonNullable<Device['error']> }) {
  const { code, step, message } = error;
  return (
    <section class={`card ${device.state === 'failed' ? 'failure' : ''}`} aria-labelledby="failure">
      <h2 id="failure">{device.state === 'failed' ? 'Why it failed' : 'What went wrong last'}</h2>
      <p>
        <strong>{code}</strong>
        {step && <> at the step “{step}”</>}: {message}
      </p>
      <h3>What to do</h3>
      <p>{adviceFor(code)}</p>
      {device.state === 'failed' && (
        <p>
          <a href={linkTo('dead-letters', { errorCode: code, step: step ?? undefined })}>
            All that failed like this
          </a>
        </p>
      )}
    </section>
  );
}
