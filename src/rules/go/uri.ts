/**
 * Host and path of a URI of the form `scheme://rest`, joined, as Go's `url.ParseRequestURI` reads them (Go,
 * net/url/url.go): a query and who logs in are left off, escapes of ASCII in the path are decoded. Undefined where
 * Go gives an error.
 */
export function hostAndPath(uri: string): string | undefined {
  const start = uri.indexOf("://");
  if (start < 1 || hasControl(uri)) return undefined;
  const [rest = ""] = uri.slice(start + "://".length).split("?", 1);
  const slash = rest.indexOf("/");
  const authority = slash < 0 ? rest : rest.slice(0, slash);
  const path = slash < 0 ? "" : rest.slice(slash);
  const login = authority.lastIndexOf("@");
  const host = authority.slice(login + 1);
  if (!USER.test(authority.slice(0, Math.max(0, login))) || !HOST.test(host)) return undefined;
  if (!/^(?::\d*)?$/.test(portOf(host)) || /%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  return host + path.replaceAll(/%[0-7][0-9A-Fa-f]/g, decodeURIComponent);
}

// What may stand in a host: ASCII of these, anything else, and escapes of what is not ASCII (shouldEscape, unescape).
const HOST = /^(?:[A-Za-z0-9\-_.~!$&'()*+,;=:[\]<>"]|[\u0080-\uffff]|%[89A-Fa-f][0-9A-Fa-f])*$/;
const USER = /^(?:[A-Za-z0-9\-._:~!$&'()*+,;=@]|%[0-9A-Fa-f]{2})*$/;

/** What follows a host's name: nothing, or a colon and a port. */
function portOf(host: string): string {
  const colon = host.lastIndexOf(":");
  if (!host.startsWith("[")) return colon < 0 ? "" : host.slice(colon);
  const end = host.lastIndexOf("]");
  return end < 0 ? host : host.slice(end + 1);
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
