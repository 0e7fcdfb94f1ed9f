/** Gives equal texts as one, so that what is the same of thousands of objects is held once. */
export function oneText(): (text: string) => string {
  const texts = new Map<string, string>();
  return (text) => {
    const known = texts.get(text);
    if (known !== undefined) return known;
    texts.set(text, text);
    return text;
  };
}
