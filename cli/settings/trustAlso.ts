import { getCACertificates, setDefaultCACertificates } from 'node:tls';

/** Has this process trust further certificates: NODE_EXTRA_CA_CERTS is read at its start only. @param pem one or more */
export function trustAlso(pem: string): void {
  setDefaultCACertificates([...getCACertificates('default'), ...certificates(pem)]);
}

function certificates(pem: string): string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}
