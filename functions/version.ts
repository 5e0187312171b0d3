/** The release of all programs. A test compares it with package.json and the Helm chart. */
export const VERSION = 'v0.1.0';
