// Size limits of a Website's environment variables.

/**
 * Most characters in all names and values together. The Deployment holds a copy. Even if every character is stored as an escape
 * of six bytes, both fit into etcd's limit of 1.5 MiB.
 */
export const LARGEST_ENV = 131_072;
export const ENV_TOO_LARGE = `names and values must have at most ${LARGEST_ENV} characters in total: put large values in a file of the image, or fetch them when the container starts`;

export const LONGEST_VALUE = 32_768;

/** The API server counts code points too, both in `maxLength` and in CEL's `size`. */
export const sizeOf = (env: readonly { readonly name: string; readonly value: string }[]): number =>
  env.reduce((sum, { name, value }) => sum + charactersIn(name) + charactersIn(value), 0);

/** Counts code points. `length` counts UTF-16 code units, and some characters take two of those. */
export const charactersIn = (text: string): number =>
  text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
