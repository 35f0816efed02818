import { mutantsOf } from '../Mutant.js';

const balena = { first: ['test/integration/balena/client'] };
const state = { first: ['test/unit/device/isInDesiredState'] };
const stateOfOwn = { first: ['test/unit/device/ownKeys'] };

/** What the answers of the hub and of balena mean, and what the record says of them. */
export const answerMutants = [
  ...mutantsOf('src/iothub/errors.ts', [
    [
      'missing-at-a-gateway',
      "Only a 404 in the hub's own words says that there is no identity",
      "response?.statusCode === 404 && /DeviceNotFound/.test(responseBody ?? '')",
      "response?.statusCode === 404 && /./.test(responseBody ?? 'x')",
    ],
    [
      'changed-at-a-gateway',
      "Only a 412 in the hub's own words says that the identity has changed",
      'response?.statusCode === 412 && isHubBody(responseBody)',
      'response?.statusCode === 412',
    ],
    [
      'page-of-401-blames-credentials',
      'The page of a gateway says nothing about our credentials',
      'status === 401 && !isPage(responseBody)',
      'status === 401',
    ],
    [
      'page-of-403-blames-credentials',
      'A 403 without the words of the hub says nothing about our credentials',
      'status === 403 && isHubBody(responseBody)',
      'status === 403',
    ],
    [
      'lost-answer-of-the-hub-changed-nothing',
      'A write whose answer was lost may still take effect',
      "'The hub did not answer in time.', { outcomeUnknown: write }",
      "'The hub did not answer in time.', { outcomeUnknown: false }",
    ],
    [
      'gateway-error-changed-nothing',
      'A gateway may answer with an error although the hub has carried out the operation',
      'if (status >= 500 || status === 408) {',
      'if (status > 599) {',
    ],
    [
      'moved-hub-rejects-devices',
      'Only 400, 413 and 422 of the hub are final',
      'if (!finalStatuses.has(status)) return',
      'if (!finalStatuses.has(status) && status < 400) return',
    ],
    [
      'quota-blames-credentials',
      'A used-up quota is not the fault of our key',
      '/403002|IotHubQuotaExceeded/.test(responseBody)',
      '/no such text/.test(responseBody)',
    ],
  ]),
  ...mutantsOf('src/iothub/identity.ts', [
    [
      'status-of-others-reset',
      'An update keeps what another program has set',
      "...(properties ?? { status: 'enabled' as const })",
      "...{ ...properties, status: 'enabled' as const }",
    ],
    [
      'changed-identity-is-like-new',
      'The record vouches only for an identity with the properties of a new one',
      "name === 'status' ? value === 'enabled' : isUnset(value)",
      "name === 'status' ? value === 'enabled' : true",
    ],
    ['hub-property-sent-back', 'What only the hub sets is not sent back', "  'connectionState',\n", ''],
  ]),
  ...mutantsOf('src/balena/client.ts', [
    [
      'service-of-host-os-is-a-scope',
      "Only services of the device's fleet are scopes",
      'if (service.application.__id === fleet?.id) scopes',
      'if (service.application.__id) scopes',
      balena,
    ],
    [
      'every-key-sees-a-public-fleet',
      'A public fleet counts only if the key sees its devices',
      'row !== undefined && (!row.is_public || row.owns__device.length > 0)',
      'row !== undefined',
      balena,
    ],
    [
      'own-row-is-a-conflict',
      'A row that an earlier try of the same write has created is no conflict',
      '(await storedValue(resource, { ...owner, name })) !== value',
      "(await storedValue(resource, { ...owner, name })) !== ''",
      { first: ['test/integration/balena/errors'] },
    ],
  ]),
  ...mutantsOf('src/shared/sanitizeError.ts', [
    [
      'text-of-a-cause-kept',
      'No text of another library is kept, because texts can hold keys',
      'at: framesOf(stack) }',
      'at: String(stack).split(`\\n`) }',
    ],
    [
      'long-code-kept',
      'Only a word is kept as the code of another library',
      'if (isWord(code)) sanitized.code',
      "if (typeof code === 'string') sanitized.code",
    ],
  ]),
  ...mutantsOf('src/device/state.ts', [
    [
      'other-scopes-are-fine',
      'No other scope of a device in its desired state may hold our variables',
      '    scopes.every((scope) => scope === observed.service) &&\n',
      '',
      state,
    ],
    [
      'other-service-is-fine',
      'A device in its desired state has its pair at the desired service',
      '    observed.service === desired.service &&\n',
      '',
      state,
    ],
    [
      'revoked-at-the-hub-is-fine',
      'The hub accepts no revoked thumbprint of a device in its desired state',
      '    !isToRetire(desired, observed.thumbprint) &&\n    !acceptsRevoked(desired, observed.hub)\n',
      '    !isToRetire(desired, observed.thumbprint)\n',
      state,
    ],
    [
      'revoked-own-at-the-hub-is-fine',
      'The hub accepts no revoked thumbprint beside an own certificate',
      'return !isToRevoke(desired, thumbprint) && !acceptsRevoked(desired, hub);',
      'return !isToRevoke(desired, thumbprint);',
      stateOfOwn,
    ],
    [
      'absent-with-variables-is-fine',
      'A deprovisioned device has no variables',
      'observed.thumbprint === null && scopes.length === 0;',
      'observed.thumbprint === null;',
      state,
    ],
  ]),
];
