// Somebody may type a secret where a name is expected, and an error would quote it into a log.

/** The parts of texts that look like secrets. Names of files, contexts and namespaces do not, so messages still show them. */
const SHAPES = [
  // A JSON Web Token, also half of one: a JSON object begins with `eyJ` in base64.
  /\beyJ[\w-]{8,}(?:\.[\w-]*)*/g,
  /-----BEGIN [\s\S]*?(?:-----END [^-]*-----|$)/g,
  // A secret of Standard Webhooks.
  /\bwhsec_[\w+/=]+/g,
  // A key in base64, such as those of Azure: 32 bytes or more, padded.
  /[\w+/-]{40,}={1,2}(?![\w=])/g,
  // The user and the password of a URL.
  /(?<=:\/\/)[^\s/@]+(?=@)/g,
];

/** The text without what looks like a secret, for messages that quote what somebody typed. */
export const withoutSecrets = (text: string): string =>
  SHAPES.reduce((shown, shape) => shown.replaceAll(shape, '(hidden)'), text);

/** Whether a value that should be a name looks like a secret. */
export const looksSecret = (text: string): boolean => withoutSecrets(text) !== text;

/**
 * What a static token looks like: `ghp_` with 36 letters and digits, `openssl rand -hex 16`, or short base64 with its padding. A file
 * may be called like that, too. A path with a slash or a dot is no token.
 */
const TOKENS = [
  /^[^/\\.]*(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{20,}[^/\\.]*$/,
  /^[\w+/-]{16,}={1,2}$/,
  // A bootstrap token of Kubernetes.
  /^[a-z0-9]{6}\.[a-z0-9]{16}$/,
];

/** `PATH: why`, for a file that could not be read. If there is no such file, and its name looks like a token, the name is hidden. */
export function unreadable(path: string, error: unknown): string {
  // `messageOf` would be one more file to load at each start.
  const why = error instanceof Error ? error.message : String(error);
  const isHidden = isMissing(error) && TOKENS.some((token) => token.test(path));
  return isHidden ? `(hidden): ${why.replaceAll(path, '(hidden)')}` : `${path}: ${why}`;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENAMETOOLONG');
