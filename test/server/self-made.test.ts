import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { issueCa, issueLeaf, selfMadePair } from "../../src/certs/self-made.ts";

const DAY = 86_400_000;

describe("a certificate of our own making", () => {
  it("is for the names and addresses asked for, signed by its CA", async () => {
    const made = await selfMadePair({
      dnsNames: ["hook.ka.svc", "hook.ka.svc.cluster.local"],
      ipAddresses: ["127.0.0.1", "::1"],
      days: 3,
    });
    const leaf = new X509Certificate(made.cert);
    const ca = new X509Certificate(made.ca);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(leaf.checkIssued(ca)).toBe(true);
    expect([ca.ca, leaf.ca]).toEqual([true, false]);
    expect(leaf.checkHost("hook.ka.svc.cluster.local")).toBeTruthy();
    expect(leaf.checkHost("other.ka.svc")).toBeUndefined();
    expect([leaf.checkIP("127.0.0.1"), leaf.checkIP("::1")]).toEqual(["127.0.0.1", "::1"]);
  });

  it("has an EC P-256 key and a SHA-256 signature", async () => {
    const { cert, ca } = await selfMadePair({ dnsNames: ["localhost"], days: 1 });
    for (const pem of [cert, ca]) {
      const certificate = new X509Certificate(pem);
      expect(certificate.publicKey.asymmetricKeyType).toBe("ec");
      expect(certificate.publicKey.asymmetricKeyDetails?.namedCurve).toBe("prime256v1");
      // The object identifier of ecdsa-with-SHA256.
      expect(certificate.raw.includes(Buffer.from("2a8648ce3d040302", "hex"))).toBe(true);
    }
  });

  it("holds from a few minutes ago, for clocks that differ, until the days are over", async () => {
    const now = new Date("2026-03-01T12:00:00Z");
    const ca = await issueCa("test CA", 10, now);
    const { cert } = await issueLeaf(ca, { dnsNames: ["localhost"], days: 2 }, now);
    const { validFromDate, validToDate } = new X509Certificate(cert);
    expect(validFromDate.toISOString()).toBe("2026-03-01T11:55:00.000Z");
    expect(validToDate.getTime() - now.getTime()).toBe(2 * DAY);
  });
});
