const NAME = /TOKEN(?!IZ)|PASSWORD|PASSWD|KEY|SECRET|CREDENTIAL/i;

/** Whether an environment variable, flag or key of this name holds a secret, by its name. */
export function isSecretName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Whether a text holds a URL with a user or a password in it: `scheme://user:password@host`. Takes time linear in the
 * text.
 */
export function hasUserinfo(text: string): boolean {
  for (let at = text.indexOf("://"); at >= 0; at = text.indexOf("://", at + 3)) {
    let end = at + 3;
    while (end < text.length && !/[/?#\s"'\\,]/.test(text.charAt(end))) {
      if (text[end] === "@") return true;
      end++;
    }
  }
  return false;
}
