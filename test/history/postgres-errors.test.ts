// What an operator reads if a history in PostgreSQL cannot be used. test/history/postgres.program.test.ts has errors of a real server.
import { expect, it } from 'vitest';
import { historyErrorOf } from '../../functions/history/postgres-errors.ts';
import { PostgresHistory } from '../../functions/history/postgres.ts';

const URL_WITH_SECRETS = 'postgres://website:hush@db.example.com:6432/history?sslmode=verify-full&password=hush2';
const errorWith = (message: string, code?: string) => Object.assign(new Error(message), { code });

it.each([
  ['password authentication failed for user "website"', '28P01', 'Check the user and the password'],
  ['SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string', undefined, 'Add the password'],
  ['no pg_hba.conf entry for host "10.0.0.1", user "website", no encryption', '28000', 'add ?sslmode=verify-full'],
  ['database "history" does not exist', '3D000', 'Create the database'],
  ['permission denied for schema public', '42501', 'Grant the user the right'],
  ['getaddrinfo ENOTFOUND db.example.com', 'ENOTFOUND', 'Check the host'],
  ['connect ECONNREFUSED 10.0.0.1:6432', 'ECONNREFUSED', 'Check the host and the port'],
  ['connect ETIMEDOUT 10.0.0.1:6432', 'ETIMEDOUT', 'NetworkPolicies'],
  ['The server does not support SSL connections', undefined, 'Turn on TLS in the server'],
  ['unable to verify the first certificate', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'sslrootcert'],
  ["Hostname/IP does not match certificate's altnames", 'ERR_TLS_CERT_ALTNAME_INVALID', 'the name of its certificate'],
  ['certificate has expired', 'CERT_HAS_EXPIRED', 'Renew'],
])('%s: the error names the setting and what to do, and no password', (message, code, remedy) => {
  const error = historyErrorOf(errorWith(message, code), URL_WITH_SECRETS);
  expect(error.message.startsWith(`HISTORY_URL (postgres://db.example.com:6432/history): ${message}. `)).toBe(true);
  expect(error.message).toContain(remedy);
  expect(error.message).not.toContain('hush');
});

it('An error that needs no other setting has no advice, and all addresses of a name are reported once', () => {
  const full = historyErrorOf(errorWith('could not extend file: No space left on device', '53100'), URL_WITH_SECRETS);
  expect(full.message).toBe(
    'HISTORY_URL (postgres://db.example.com:6432/history): could not extend file: No space left on device',
  );
  const addresses = ['::1', '127.0.0.1'].map((host) => errorWith(`connect ECONNREFUSED ${host}:1`, 'ECONNREFUSED'));
  const several = Object.assign(new AggregateError(addresses), { code: 'ECONNREFUSED' });
  expect(historyErrorOf(several, URL_WITH_SECRETS).message).toMatch(
    /: connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127\.0\.0\.1:1\. Check the host and the port/,
  );
});

it('An error of a connection names the setting', async () => {
  const store = new PostgresHistory('postgres://website:hush@127.0.0.1:1/history');
  await expect(store.open(5_000)).rejects.toThrow(
    'HISTORY_URL (postgres://127.0.0.1:1/history): connect ECONNREFUSED 127.0.0.1:1. Check the host and the port',
  );
  await store.close();
});
