import type { BalenaDevice } from '../balena/types.js';
import { readPair } from '../certificates/read.js';
import type { OwnCertificate, OwnKey } from '../device/record.js';
import { acceptsRevoked, isHandedOver, isRevokedOwn, isToRevoke, unrevokedBefore } from '../device/state.js';
import type { ThumbprintPair } from '../iothub/types.js';
import { ProvisioningError } from '../shared/errors.js';
import { clearForeignServices } from './steps/clear.js';
import { readBack } from './steps/readBack.js';
import { readAccepted, registerExactly } from './steps/register.js';
import { clearAll, removeIdentity } from './steps/remove.js';
import type { Work } from './steps/work.js';

/**
 * Brings a device to its desired state with an own key: the CA signs a certificate if the device has requested one; the hub accepts the own
 * certificate, and one more. No key is made, and nothing is stored in balena. The variables of an issued key stay until the device is handed over.
 *
 * @param device the device in balena, in a served fleet
 * @returns false if balena does not have the device any more
 * @throws ProvisioningError `certificate-revoked` if the key or its certificate is revoked; `ca-…`, `hub-…`, `balena-…`, `timed-out`
 */
export async function reconcileOwn(work: Work, wanted: OwnKey, device: BalenaDevice): Promise<boolean> {
  const issued = issuedBeside(work, wanted, device);
  const own = await withCertificateInUse(work, wanted, issued);
  const other = [issued, unrevokedBefore(work, own)].find((each) => isUsable(work, own, each)) ?? null;
  if (isRevokedOwn(work.desired, own)) return withdraw(work, issued, other);
  // The record has the certificate before the hub hears of it. The wait for the hub comes afterwards, so the CA delays no other device.
  const certificate = await certificateOf(work, own, issued, other);
  rememberKeys(work, own, certificate);
  // The hub rejects a certificate that is not needed any more before its variables are removed.
  await registerExactly(work, [certificate.thumbprint, other ?? certificate.thumbprint]);
  note(work, certificate, issued, other);
  if (issued !== null) return readBack(work, await clearForeignServices(work, device), 'store');
  return clearAll(work, device, 'store');
}

/**
 * The own key with the certificate before. A message from before the signature of the CA can restore a lost record. The device may then use a certificate that only
 * the hub knows, and the new certificate must not cut the device off. The key of that certificate is not known, so no such certificate stays after a revocation.
 */
async function withCertificateInUse(work: Work, own: OwnKey, issued: string | null): Promise<OwnKey> {
  const { desired, observed, forceVerify } = work;
  const isRestored = forceVerify && observed.thumbprint === null && observed.previous === null;
  if (own.thumbprint !== null || !isRestored || desired.revokedKeys !== undefined) return own;
  const [newest] = Array.isArray(observed.hub) ? observed.hub : await readAccepted(work);
  const isInUse = newest !== undefined && newest !== issued && isUsable(work, own, newest);
  return isInUse ? { ...own, before: newest } : own;
}

/**
 * The certificate of the own key. The CA signs it if necessary. A revocation does not wait for a CA that cannot sign: the hub then rejects the revoked
 * certificates first.
 *
 * @throws ProvisioningError `ca-…`, `hub-…`, `timed-out`
 */
async function certificateOf(
  work: Work,
  own: OwnKey,
  issued: string | null,
  other: string | null,
): Promise<OwnCertificate> {
  if (own.thumbprint !== null) return own;
  try {
    return await work.sign(own);
  } catch (error) {
    // A run whose request was replaced meanwhile changes nothing more.
    if (isFailureOfCa(error) && mayAcceptRevoked(work)) await rejectAllBut(work, issued, other);
    throw error;
  }
}

const isFailureOfCa = (error: unknown) => ProvisioningError.from(error).step === 'sign';

/** Whether the hub accepts a revoked thumbprint, or may accept one. */
function mayAcceptRevoked({ desired, observed: { hub } }: Work): boolean {
  if (Array.isArray(hub)) return acceptsRevoked(desired, hub);
  return hub !== 'none' && desired.revoke !== undefined;
}

/**
 * The issued certificate that the device may still use: the certificate of a pair in balena. If balena has none, the one that the record
 * names, because the device may have read its variables before.
 *
 * @returns null if there is none, or if the device is handed over
 */
function issuedBeside(work: Work, own: OwnKey, device: BalenaDevice): string | null {
  if (isHandedOver(work, work.now())) return null;
  const { issued, thumbprint, previous } = work.observed;
  const known = issued ? [issued.thumbprint] : [thumbprint, previous];
  const scopes = new Set([...work.scopes, ...device.scopes.keys()]);
  const held = [...scopes].flatMap((scope) => {
    const scopedVariables = device.scopes.get(scope);
    return (scopedVariables && readPair(scopedVariables, work.uuid)?.thumbprint) ?? [];
  });
  const candidates = [...known.filter((each) => each && held.includes(each)), ...held, ...known];
  return candidates.find((each) => isUsable(work, own, each)) ?? null;
}

/** Whether the hub may accept a thumbprint beside the own one. The hub demands two thumbprints of the same kind. */
function isUsable({ desired }: Work, own: OwnKey, other: string | null): other is string {
  return other !== null && other !== own.thumbprint && other.length === 64 && !isToRevoke(desired, other);
}

/** Notes the key of the certificate before the hub accepts the certificate: a revocation names a certificate, and revokes its key. */
function rememberKeys({ observed }: Work, { before }: OwnKey, { thumbprint, key }: OwnCertificate): void {
  const { thumbprint: held, previous, hub } = observed;
  const inUse = [before, held, previous, ...(Array.isArray(hub) ? hub : [])];
  const earlier = Object.entries(observed.ownKeys ?? {}).filter(([each]) => inUse.includes(each));
  observed.ownKeys = { ...Object.fromEntries(earlier), [thumbprint]: key };
}

/** Notes that the hub accepts the own certificate. */
function note({ observed }: Work, own: OwnCertificate, issued: string | null, other: string | null): void {
  const { thumbprint, notBefore, notAfter, keyAlgorithm } = own;
  const until = observed.issued?.thumbprint === issued ? (observed.issued?.until ?? null) : null;
  Object.assign(observed, { thumbprint, previous: other, service: null, notBefore, notAfter, keyAlgorithm });
  observed.issuer = own.certificate === undefined ? undefined : 'ca';
  observed.issued = issued === null ? undefined : { thumbprint: issued, until };
}

/**
 * Makes the hub reject the revoked own certificate. Only the device can make another one.
 *
 * @throws ProvisioningError `certificate-revoked`, always; `hub-…`, `timed-out`
 */
async function withdraw(work: Work, issued: string | null, other: string | null): Promise<never> {
  await rejectAllBut(work, issued, other);
  throw new ProvisioningError(
    'certificate-revoked',
    "The device's own key is revoked. The device has to make a new key, and to request with the new key.",
    { step: 'register' },
  );
}

/**
 * Makes the hub reject every certificate but one.
 *
 * @param other the thumbprint that stays; null: none
 */
async function rejectAllBut(work: Work, issued: string | null, other: string | null): Promise<void> {
  const { observed } = work;
  if (other === null) await removeIdentity(work);
  else await registerExactly(work, [other, other] satisfies ThumbprintPair);
  const keeps = observed.thumbprint !== null && observed.thumbprint === other && issued === null;
  if (!keeps) {
    Object.assign(observed, { thumbprint: null, service: null });
    Object.assign(observed, { notBefore: null, notAfter: null, keyAlgorithm: null });
  }
  observed.previous = null;
  observed.issued =
    issued === null ? undefined : { thumbprint: issued, until: observed.issued?.until ?? null };
}
