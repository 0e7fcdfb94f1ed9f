/** metav1.MicroTime, as Leases and Events have it. */
export function microTime(now: number): string {
  return new Date(now).toISOString().replace("Z", "000Z");
}
