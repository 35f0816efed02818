import { isRenewalLate, renewalTime } from '../../../src/certificates/renewal.js';

test.each([7, 30, 90, 365])(
  'of certificates of %d days, none is late where the daily renewal works',
  (days) => {
    const dayMs = 86_400_000;
    const notBefore = 1_800_000_000_000;
    const notAfter = notBefore + days * dayMs;
    for (let index = 0; index < 100; index += 1) {
      const certificate = { uuid: index.toString(16).padStart(32, '0'), notBefore, notAfter };
      const due = renewalTime(certificate, 0.8);
      const half = due + (notAfter - due) / 2;
      // The renewal runs daily at the latest, or within the retries of short certificates.
      expect(isRenewalLate(certificate, 0.8, Math.min(due + dayMs, half - 1))).toBe(false);
      expect(isRenewalLate(certificate, 0.8, half)).toBe(true);
      expect(isRenewalLate(certificate, 0.8, notAfter + 1)).toBe(true);
    }
  },
);
