import { expect, it } from 'vitest';
import { ProgramEndedError } from '../../../infra/local/processes/processes.ts';
import { failureText } from '../../../infra/local/terminal/failure.ts';

const textOf = (error: Error): string => failureText(error, { data: undefined });

it('A failure of a program names the folder of the logs', () => {
  expect(textOf(new ProgramEndedError('etcd ended', { logs: '/tmp/x/logs', program: 'etcd', exitCode: 1 }))).toBe(
    'etcd ended\nThe logs are kept in /tmp/x/logs',
  );
});

it.each(['ENOSPC: no space left on device, write', 'wal: write /x: no space left on device'])(
  'A full disk leads to advice: %s',
  (message) => {
    expect(textOf(new Error(message))).toMatch(/\nThe disk is full: free some space, or set TMPDIR/);
  },
);

it('An error that already has advice about a full disk gets no second one', () => {
  expect(textOf(new Error('no space left on device: set XDG_CACHE_HOME'))).not.toContain('TMPDIR');
});

it('Any other failure is shown as its message', () => {
  expect(textOf(new Error('no'))).toBe('no');
});

it('If the disk of the --data folder is full, another TMPDIR would not help', () => {
  expect(failureText(new Error('ENOSPC: no space left on device, write'), { data: 'kept' })).toBe(
    'ENOSPC: no space left on device, write\nThe disk is full: free some space, or choose another --data folder.',
  );
});
