// How much the environment variables of a Website may hold.

/**
 * Most characters in the names and values of all variables. The Deployment holds a copy, and at six bytes for an escaped
 * character both still fit into what etcd stores as one object (1.5 MiB).
 */
export const LARGEST_ENV = 131_072;
export const ENV_TOO_LARGE = `names and values must have at most ${LARGEST_ENV} characters in total: put large values in a file of the image, or fetch them when the container starts`;

export const LONGEST_VALUE = 32_768;

/** The API server counts characters in code points, both in `maxLength` and in CEL's `size`. */
export const sizeOf = (env: readonly { readonly name: string; readonly value: string }[]): number =>
  env.reduce((sum, { name, value }) => sum + charactersIn(name) + charactersIn(value), 0);

/** JavaScript counts UTF-16 code units, of which some characters take two. */
export const charactersIn = (text: string): number =>
  text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
