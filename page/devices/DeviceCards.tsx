import type { DeviceHistory } from '../../src/ops/devices/schema.js';
import { runbookSectionOf } from '../../src/ops/failures/runbook.js';
import { adviceFor } from '../../src/shared/errorPolicy.js';
import { daysLeft, keyName, number, serviceName } from '../format.js';
import { Advice } from '../parts/Advice.js';
import { RunbookLink } from '../parts/DeviceLinks.js';
import { Facts } from '../parts/Facts.js';
import { Time } from '../parts/Time.js';
import { Empty } from '../parts/View.js';
import { linkTo } from '../route.js';

type Device = DeviceHistory['device'];

/** The error of the request, and the advice for operators. */
export function FailureCard({ device, error }: { device: Device; error: NonNullable<Device['error']> }) {
  const { code, step, message } = error;
  return (
    <section class={`card ${device.state === 'failed' ? 'failure' : ''}`} aria-labelledby="failure">
      <h2 id="failure">{device.state === 'failed' ? 'Why it failed' : 'The last error'}</h2>
      <p>
        <strong>{code}</strong>
        {step && <> at the step “{step}”</>}: {message}
      </p>
      <h3>What to do</h3>
      <p>
        <Advice advice={adviceFor(code, device)} /> <RunbookLink section={runbookSectionOf(code)} />
      </p>
      {device.replayable && (
        <p>
          <a href={linkTo('dead-letters', { errorCode: code, step: step ?? undefined })}>
            All dead letters with this cause
          </a>
        </p>
      )}
    </section>
  );
}

/** The refused request, and the advice for operators. The device stays in the state from before. */
export function RefusalCard({
  device,
  refusal,
}: {
  device: Device;
  refusal: NonNullable<Device['refusal']>;
}) {
  const { service, error, at } = refusal;
  return (
    <section class="card" aria-labelledby="refusal">
      <h2 id="refusal">The last request was refused</h2>
      <p>
        The request for {serviceName(service)} of <Time at={at} /> changed nothing.
      </p>
      <p>
        <strong>{error.code}</strong>: {error.message}
      </p>
      <h3>What to do</h3>
      <p>
        <Advice advice={adviceFor(error.code, device)} />
      </p>
    </section>
  );
}

/** Why the pending work is not done yet. */
export function WaitingCard({ waiting }: { waiting: NonNullable<Device['waiting']> }) {
  return (
    <section class="card waiting" aria-labelledby="waiting">
      <h2 id="waiting">{waiting.isCheck ? 'A check is under way' : 'Why it is not done yet'}</h2>
      <p>
        {waiting.reason}
        {waiting.nextLook && (
          <>
            {' '}
            Next look: <Time at={waiting.nextLook} /> (<Time at={waiting.nextLook} isRelative />
            ).
          </>
        )}
      </p>
    </section>
  );
}

/** The facts of the device's latest request. */
export function RequestCard({ device }: { device: DeviceHistory['device'] }) {
  const { discarded } = device;
  return (
    <section class="card">
      <h2>Request</h2>
      <Facts
        facts={{
          Operation: device.operation,
          Fleet: device.fleet ?? 'not seen yet',
          Service: serviceName(device.service),
          Key: keyName(device.key),
          Requested: <Time at={device.requestedAt} />,
          'First seen': <Time at={device.firstSeenAt} />,
          Expected: device.expectedAt ? <Time at={device.expectedAt} isRelative /> : undefined,
          Due: device.dueAt ? <Time at={device.dueAt} isRelative /> : undefined,
          Finished: device.completedAt ? <Time at={device.completedAt} /> : undefined,
          'Failed attempts': device.attempts > 0 ? number(device.attempts) : undefined,
          Replays: device.replays > 0 ? number(device.replays) : undefined,
          Discarded: discarded ? (
            <>
              <Time at={discarded.at} /> by {discarded.by}: {discarded.reason}
            </>
          ) : undefined,
          'Request id': <span class="mono">{device.requestId}</span>,
        }}
      />
    </section>
  );
}

const hubWords: Record<DeviceHistory['device']['hub'], string> = {
  unknown: 'not known until the next check by a worker',
  none: 'no identity',
  exists: 'an identity; its thumbprints are not known',
  'accepts-certificate': 'accepts this certificate',
  'accepts-other': 'accepts another certificate',
};

/** The device's certificate, and the state of the device's identity at the hub. */
export function CertificateCard({ device: { certificate, hub } }: { device: DeviceHistory['device'] }) {
  if (!certificate)
    return (
      <section class="card">
        <h2>Certificate</h2>
        <Empty>No certificate is recorded for this device.</Empty>
        <Facts facts={{ 'IoT Hub': hubWords[hub] }} />
      </section>
    );
  const { thumbprint, notBefore, notAfter, keyAlgorithm, issuer } = certificate;
  return (
    <section class="card">
      <h2>Certificate</h2>
      <Facts
        facts={{
          'Valid from': <Time at={notBefore} />,
          'Valid until': (
            <>
              <Time at={notAfter} />{' '}
              {notAfter && <small>({daysLeft(Date.parse(notAfter), Date.now())})</small>}
            </>
          ),
          Key: `${keyAlgorithm ?? 'not known'}${issuer === 'ca' ? ', certificate of the CA' : ''}`,
          'IoT Hub': hubWords[hub],
          Thumbprint: <span class="mono">{thumbprint}</span>,
        }}
      />
    </section>
  );
}
