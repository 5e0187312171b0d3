// Errors of PostgreSQL and of the way to it. They name the setting, and what to do about it.
import { HistoryError } from './store.ts';

/** By SQLSTATE, or by Node's code. */
const REMEDIES: Readonly<Record<string, string>> = {
  '28P01': 'Check the user and the password, and write special characters of the password as %XX',
  '3D000': 'Create the database, or name another one',
  '42501': 'Grant the user the right to create tables, or to use those that exist',
  ENOTFOUND: 'Check the host',
  EAI_AGAIN: 'Check the host, and that the functions can reach a DNS server',
  ECONNREFUSED: 'Check the host and the port, and that the server runs',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Write the host as the name of its certificate',
  CERT_HAS_EXPIRED: "Renew the server's certificate",
};

/** Other errors, by their text or code. */
const OTHER_REMEDIES: readonly (readonly [RegExp, string])[] = [
  [/client password must be/, 'Add the password: postgres://USER:PASSWORD@HOST/DATABASE'],
  [
    /no encryption/,
    'If the server requires TLS, add ?sslmode=verify-full. Otherwise, allow this user in its pg_hba.conf',
  ],
  [/no pg_hba\.conf entry/, 'Allow this user in pg_hba.conf of the server'],
  [/does not support SSL/, 'Turn on TLS in the server, or remove sslmode'],
  [/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/, "Add &sslrootcert=/PATH/ca.pem with the authority of the server's certificate"],
  [
    /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|No connection/,
    'Check the host and the port, and that firewalls and NetworkPolicies let the functions reach them',
  ],
];

/** @param url may contain a password, so the message shows only its host, port and database. */
export function historyErrorOf(error: unknown, url: string): HistoryError {
  const why = messageOf(error);
  const code = codeOf(error);
  const remedy = REMEDIES[code] ?? OTHER_REMEDIES.find(([pattern]) => pattern.test(`${code} ${why}`))?.[1];
  const message = `HISTORY_URL (${shown(url)}): ${why}${remedy === undefined ? '' : `. ${remedy}`}`;
  return new HistoryError(error instanceof HistoryError ? error.why : 'failed', message, { cause: error });
}

const shown = (url: string): string => {
  const { host, pathname } = new URL(url);
  return `postgres://${host}${pathname}`;
};

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';

/** A name with several addresses fails with an error that has no message of its own. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  const message = error instanceof Error ? error.message : String(error);
  // Node's own advice is about its command line.
  return message.replace(/; if the root CA is installed locally.*$/, '');
}
