import { createPublicKey, type KeyObject } from 'node:crypto';
import { createServer } from 'node:http';
import { applyFaults } from '../shared/applyFaults.js';
import { listen } from '../shared/loopback.js';
import type { Answer, ReceivedRequest } from '../shared/requests.js';
import { type Control, startControl } from '../shared/startControl.js';
import { digestBytes, type KeyAlgorithm, signDigest } from './signDigest.js';

export interface KeyVaultOptions {
  /** The private key of the vault's one key: EC P-256, EC P-384 or RSA. */
  key: KeyObject;
  name: string;
  version: string;
  /** The token that the vault accepts. */
  token: string;
}

export interface KeyVault {
  /** The URL of the server, on loopback. The vault calls itself `https://{any}.vault.azure.net`. */
  url: string;
  control: Control;
  /** What the vault allows: `none` is a missing role, `disabled` a disabled key. */
  access: { rights: 'all' | 'no-get' | 'none' | 'disabled' };
  close(): Promise<void>;
}

/** Key Vault does not tell a tenant apart from a caller that has no token. */
const challenge =
  'Bearer authorization="https://login.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47", resource="https://vault.azure.net"';

/** Starts a simulator of Azure Key Vault with one key: reading the public key, and signing a digest. */
export async function startKeyVault(options: KeyVaultOptions): Promise<KeyVault> {
  const access: KeyVault['access'] = { rights: 'all' };
  const control = await startControl();
  const handle = (request: ReceivedRequest) => answerTo(request, options, access);
  const server = createServer(applyFaults(control, { handle, pattern: ({ path }) => path }));
  const url = `http://127.0.0.1:${await listen(server, 0)}`;
  return {
    url,
    control,
    access,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await Promise.all([closed, control.close()]);
    },
  };
}

function answerTo(
  request: ReceivedRequest,
  { key, name, version, token }: KeyVaultOptions,
  { rights }: KeyVault['access'],
): Answer {
  if (request.headers.authorization !== `Bearer ${token}`)
    return failure(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.', {
      'www-authenticate': challenge,
    });
  if (!request.query.get('api-version'))
    return failure(400, 'BadParameter', 'AKV10001: The api-version is missing.');
  const [, keys, wanted, wantedVersion = '', operation] = request.path.split('/');
  if (keys !== 'keys' || wanted !== name || (wantedVersion !== '' && wantedVersion !== version))
    return failure(404, 'KeyNotFound', `A key with (name/id) ${wanted}/${wantedVersion} was not found.`);
  const kid = `https://${request.headers.host}/keys/${name}/${version}`;
  if (request.method === 'GET' && operation === undefined) {
    if (rights === 'no-get' || rights === 'none') return forbidden('ForbiddenByRbac');
    return {
      status: 200,
      body: { key: publicPart(key, kid), attributes: { enabled: rights !== 'disabled' } },
    };
  }
  if (request.method !== 'POST' || operation !== 'sign')
    return failure(405, 'MethodNotAllowed', 'The method is not allowed.');
  if (rights === 'none') return forbidden('ForbiddenByRbac');
  if (rights === 'disabled') return forbidden('KeyDisabled');
  return sign(request.body, key, kid);
}

function publicPart(key: KeyObject, kid: string) {
  const { kty, crv, x, y, n, e } = createPublicKey(key).export({ format: 'jwk' });
  return { kid, kty, key_ops: ['sign', 'verify'], crv, x, y, n, e };
}

/** Strict: an algorithm of another key, and a digest of another length, are refused. */
function sign(body: string, key: KeyObject, kid: string): Answer {
  const { alg, value } = JSON.parse(body) as { alg?: string; value?: string };
  if (alg !== algorithmOf(key))
    return failure(400, 'BadParameter', `Key and signing algorithm are incompatible: ${alg}.`);
  const digest = Buffer.from(value ?? '', 'base64url');
  const bytes = digestBytes[alg as KeyAlgorithm];
  if (digest.length !== bytes)
    return failure(
      400,
      'BadParameter',
      `Invalid length of 'value': ${digest.length} bytes. ${alg} requires ${bytes} bytes, encoded with base64url.`,
    );
  const signature = signDigest(alg as KeyAlgorithm, key, digest);
  return { status: 200, body: { kid, value: signature.toString('base64url') } };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyAlgorithm {
  if (asymmetricKeyType === 'rsa') return 'RS256';
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256';
}

function forbidden(inner: string): Answer {
  const message = 'Caller is not authorized to perform action on resource.';
  return { status: 403, body: { error: { code: 'Forbidden', message, innererror: { code: inner } } } };
}

function failure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Answer {
  return { status, headers, body: { error: { code, message } } };
}
