import type { CaAlgorithm } from '../../shared/caAlgorithm.js';

/** The private key of a CA. The key never leaves its place. */
export interface CaKey {
  /**
   * Signs data.
   *
   * @param timeoutMs the longest time for the call, ms
   * @returns the signature; for an EC key the numbers r and s, one after the other
   * @throws ProvisioningError `ca-…`
   */
  sign(algorithm: CaAlgorithm, data: Buffer, timeoutMs: number): Promise<Buffer>;
}
