import { expect, it } from 'vitest';
import { ClusterError, type ErrorCode } from '../../../functions/cluster/errors.ts';
import type { Transport } from '../../../functions/cluster/transport.ts';
import { patienceWith } from '../../../infra/cli/watch/watch-patience.ts';
import { watchCommand } from '../../../infra/cli/watch/watch.ts';
import type { State } from '../../../infra/forwarder/watch/state.ts';

it.each<ErrorCode>(['Forbidden', 'Unauthorized', 'UnknownResource'])(
  'website watch ends at once if the API server answers %s',
  async (code) => {
    const refuse = async (): Promise<never> => Promise.reject(new ClusterError(code, `Could not list: ${code}`));
    const transport: Transport = { server: '', json: refuse, sized: refuse, stream: refuse, close: async () => {} };
    const notes: string[] = [];
    const surroundings = {
      transport,
      namespace: 'team-a',
      now: () => new Date(),
      note: (line: string) => notes.push(line),
      print: () => {},
      interrupted: () => new AbortController().signal,
    } as unknown as Parameters<typeof watchCommand.ask>[0];
    await expect(watchCommand.ask(surroundings, { output: 'table' }, [])).rejects.toThrow(`Could not list: ${code}`);
    expect(notes).toEqual([]);
  },
);

const WATCHING: State = { name: 'watching', resourceVersion: '1', emptyCloses: 0 };
const waiting = (code: ErrorCode): State => ({
  name: 'waiting',
  delayMs: 1,
  why: `It is ${code}`,
  code,
  next: WATCHING,
});

function afterStates(...states: readonly State[]) {
  const notes: string[] = [];
  const { entered, ended } = patienceWith((line) => notes.push(line));
  for (const state of states) entered(state);
  return { notes, error: (ended.reason as Error | undefined)?.message };
}

it('website watch waits for an API server that is unreachable, and reports it once', () => {
  const away = Array.from({ length: 50 }, () => waiting('Unreachable'));
  expect(afterStates(...away)).toEqual({ notes: ['Waiting for the API server: It is Unreachable'], error: undefined });
  const twice = afterStates(WATCHING, waiting('Unreachable'), WATCHING, waiting('Unreachable'));
  expect(twice.notes).toHaveLength(2);
});

it('website watch tolerates some refusals while the API server starts, and ends after more', () => {
  const some = Array.from({ length: 4 }, () => waiting('Forbidden'));
  expect(afterStates(WATCHING, ...some, WATCHING, WATCHING, ...some).error).toBeUndefined();
  expect(afterStates(WATCHING, ...some, waiting('Forbidden'))).toEqual({
    notes: ['Waiting for the API server: It is Forbidden'],
    error: 'It is Forbidden',
  });
});

it('website watch ends for a user who may list Websites but not watch them', () => {
  const states = Array.from({ length: 5 }, () => [WATCHING, waiting('Forbidden')]).flat();
  expect(afterStates(...states)).toEqual({
    notes: ['Waiting for the API server: It is Forbidden'],
    error: 'It is Forbidden',
  });
});
