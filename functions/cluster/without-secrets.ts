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
