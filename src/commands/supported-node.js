// JavaScript of 2015: a Node that is too old must be able to read what says so.

/**
 * What to tell where the program cannot run on a version of Node; undefined where it can.
 * @param {string} version `20.11.0`
 * @param {string} needed as in package.json: `>=22.19`
 * @returns {string | undefined}
 */
export function unsupportedNode(version, needed) {
  const numbers = (text) => (text.match(/\d+/g) || []).map(Number);
  const [major, minor = 0] = numbers(needed);
  const [ownMajor, ownMinor = 0] = numbers(version);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return undefined;
  return `kthena-ascend needs Node ${major}.${minor} or newer and this is Node ${version}. In a checkout npm ci brings one that fits: npx node …; the image has one too.`;
}
