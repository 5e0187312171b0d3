import { expect, it } from 'vitest';
import { ProgramEndedError } from '../../../infra/local/processes/processes.ts';
import { failureText } from '../../../infra/local/terminal/failure.ts';

it('A failure of a program names the folder of the logs', () => {
  expect(failureText(new ProgramEndedError('etcd ended', '/tmp/x/logs'))).toBe(
    'etcd ended\nThe logs are kept in /tmp/x/logs',
  );
});

it.each(['ENOSPC: no space left on device, write', 'wal: write /x: no space left on device'])(
  'A full disk leads to advice: %s',
  (message) => {
    expect(failureText(new Error(message))).toMatch(/\nThe disk is full: free some space, or set TMPDIR/);
  },
);

it('An error that already has advice about a full disk gets no second one', () => {
  expect(failureText(new Error('no space left on device: set XDG_CACHE_HOME'))).not.toContain('TMPDIR');
});

it('Any other failure is shown as its message', () => {
  expect(failureText(new Error('no'))).toBe('no');
});
