/** A key and its certificate, as they are stored, and what the certificate says. */
export interface Credentials {
  /** SHA-256, upper-case hex. */
  thumbprint: string;
  /** Unix ms. */
  notBefore: number;
  /** Unix ms. */
  notAfter: number;
  keyAlgorithm: string;
  /** Base64 of the PEM: balena allows no line breaks in a variable. */
  certificate: string;
  /** Base64 of the PEM. Goes into balena's variable and nowhere else. */
  privateKey: string;
}
