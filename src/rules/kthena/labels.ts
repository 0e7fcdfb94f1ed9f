/** Longest DNS label (Kubernetes, util/validation). */
export const MOST_LABEL = 63;

/** Whether a text is a DNS-1035 label, whatever its length. */
export function isDns1035(text: string): boolean {
  return /^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(text);
}

/** Kubernetes cuts a generateName to this and adds five characters (apiserver, pkg/storage/names). */
const MOST_BASE = 58;

/** A name as Kubernetes makes it of a generateName, with stand-ins for the characters that nobody knows before. */
export function nameFrom(base: string): string {
  return `${base.slice(0, MOST_BASE)}xxxxx`;
}

const MOST_SUBDOMAIN = 253;
const NAME = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** Whether a text is a DNS-1123 subdomain (Kubernetes, util/validation). */
export function isDns1123Subdomain(text: string): boolean {
  return (
    text.length <= MOST_SUBDOMAIN &&
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text)
  );
}

/** Whether a text is the key of a label: `[subdomain/]name` (Kubernetes, util/validation, IsQualifiedName). */
export function isLabelKey(text: string): boolean {
  const [first = "", second, more] = text.split("/");
  if (more !== undefined) return false;
  const name = second ?? first;
  const prefixed = second === undefined || isDns1123Subdomain(first);
  return prefixed && name.length <= MOST_LABEL && NAME.test(name);
}

/** Whether a text is the value of a label: it may be empty. */
export function isLabelValue(text: string): boolean {
  return text === "" || (text.length <= MOST_LABEL && NAME.test(text));
}
