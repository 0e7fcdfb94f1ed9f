/** The version of this software, as package.json and the chart have it. */
export const RELEASE_VERSION = "0.1.0";
