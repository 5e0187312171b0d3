import { expect, it } from 'vitest';
import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import { Changes } from '../../../infra/local/terminal/changes.ts';
import { clock } from '../../../infra/local/terminal/clock.ts';
import { showLive } from '../../../infra/local/terminal/live.ts';
import { Warnings } from '../../../infra/local/terminal/warnings.ts';
import { eventually } from '../../eventually.ts';
import { RememberingScreen } from './a-screen.ts';

it('A message about a deleted CRD replaces the table until the CRD returns', async () => {
  const screen = new RememberingScreen('live');
  let answer: () => unknown = () => ({ items: [] });
  const transport = { json: async () => answer() } as unknown as Transport;
  const ended = new AbortController();
  const options = {
    screen,
    transport,
    changes: new Changes(),
    warnings: new Warnings(screen),
    onSilence() {},
    signal: ended.signal,
  };
  const live = showLive(options);
  const last = (text: string) => eventually(() => expect(screen.below.at(-1)).toContain(text));
  await last('No Websites');
  answer = () => {
    throw new ClusterError('UnknownResource', 'The CRD is missing');
  };
  await last('The CRD websites.stable.example.com was deleted: kubectl apply -f crds/website.yaml');
  answer = () => {
    throw new ClusterError('Unreachable', 'Connection refused');
  };
  await eventually(() => expect(screen.below.join('\n')).toContain('Connection refused'));
  expect(screen.below.at(-1)).toContain('was deleted');
  answer = () => ({ items: [] });
  await last('No Websites');
  ended.abort();
  await live;
});

const WEBSITE = { metadata: { namespace: 'default', name: 'hello', creationTimestamp: '2026-01-01T00:00:00Z' } };

/** A table whose API server answers with what `answer` returns, and whose time is `at`. */
function shownOn(kind: 'live' | 'plain') {
  const screen = new RememberingScreen(kind);
  const ended = new AbortController();
  const state = {
    screen,
    at: new Date('2026-01-01T00:00:10Z'),
    silentSeconds: undefined as number | null | undefined,
    answer: (): unknown => ({ items: [WEBSITE] }),
    below: () => screen.below.join('\n'),
    stop: async () => {
      ended.abort();
      await live;
    },
  };
  const transport = {
    json: async ({ signal }: ApiRequest) =>
      Promise.race([state.answer(), new Promise((_, reject) => signal?.addEventListener('abort', reject))]),
  } as unknown as Transport;
  const options = { screen, transport, changes: new Changes(), warnings: new Warnings(screen), signal: ended.signal };
  const onSilence = (seconds: number | null) => (state.silentSeconds = seconds);
  const live = showLive({ ...options, onSilence, now: () => state.at });
  return state;
}

/** An API server that hangs. Resolves once a call waits for it. @returns what makes it answer. */
async function hang(state: ReturnType<typeof shownOn>): Promise<(how: () => unknown) => void> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const asked = Promise.withResolvers<void>();
  state.answer = () => {
    asked.resolve();
    return promise;
  };
  await asked.promise;
  return (how) => {
    state.answer = async () => how();
    Promise.resolve().then(how).then(resolve, reject);
  };
}

const LATER = { items: [{ metadata: { ...WEBSITE.metadata, name: 'later' } }] };

it('While the API server does not answer, ages count on and a line says so, until it answers', async () => {
  const state = shownOn('live');
  await eventually(() => expect(state.below()).toContain(' 10s '));
  const release = await hang(state);
  state.at = new Date('2026-01-01T00:00:18Z');
  await eventually(() => expect(state.below()).toContain(' 18s '));
  expect(state.below()).toContain(
    `! ${clock(new Date('2026-01-01T00:00:10Z'))} npm start: The API server has not answered for 8 s\n`,
  );
  expect(state.silentSeconds).toBe(8);
  state.at = new Date('2026-01-01T00:00:22Z');
  await eventually(() => expect(state.below()).toContain('npm start: The API server has not answered for 12 s\n'));
  release(() => LATER);
  await eventually(() => expect(state.below()).toContain('default/later'));
  expect(state.below()).not.toContain('has not answered');
  expect(state.silentSeconds).toBeNull();
  expect(state.below()).toMatch(/! \S+ npm start: The API server did not answer for 12 s\n/);
  await state.stop();
});

it('An answer within three seconds leads to no line', async () => {
  const state = shownOn('live');
  await eventually(() => expect(state.below()).toContain('default/hello'));
  const release = await hang(state);
  state.at = new Date('2026-01-01T00:00:12.900Z');
  await eventually(() => expect(state.below()).toContain(' 12s '));
  release(() => LATER);
  await eventually(() => expect(state.below()).toContain('default/later'));
  expect(state.below()).not.toContain('answer');
  expect(state.silentSeconds).toBeNull();
  await state.stop();
});

it('A refusal is an answer, and a call that timed out is none', async () => {
  const state = shownOn('live');
  await eventually(() => expect(state.below()).toContain('default/hello'));
  const release = await hang(state);
  state.at = new Date('2026-01-01T00:01:20Z');
  release(() => {
    throw new ClusterError('Timeout', 'No answer in time');
  });
  await eventually(() => expect(state.below()).toContain('No answer in time'));
  expect(state.below()).toContain('has not answered for 70 s');
  state.answer = async () => {
    throw new ClusterError('Forbidden', 'Not allowed', { status: 403 });
  };
  await eventually(() => expect(state.below()).toContain('Not allowed'));
  await eventually(() => expect(state.below()).not.toContain('has not answered'));
  await state.stop();
});

it('Where lines cannot change, the changes of many Websites are counted, and none is a line of its own', async () => {
  const state = shownOn('plain');
  const printed = () => state.screen.printed.concat(state.screen.below).join('\n');
  const many = (generation: number) =>
    Array.from({ length: 1000 }, (_, index) => ({
      metadata: { ...WEBSITE.metadata, name: `site-${index}`, generation },
    }));
  state.answer = () => ({ items: [WEBSITE, ...many(1)] });
  await eventually(() => expect(printed()).toContain('1001 Websites'));
  expect(printed()).toContain('1001 ◌ Unknown');
  expect(printed()).not.toContain('site-');
  state.answer = () => ({ items: [WEBSITE] });
  state.at = new Date('2026-01-01T00:01:00Z');
  await eventually(() => expect(printed()).toContain('1 Website, 1000 of them deleted: 1 ◌ Unknown'));
  await state.stop();
});

it('Where lines cannot change, a line says once that the API server does not answer', async () => {
  const state = shownOn('plain');
  await eventually(() => expect(state.screen.printed.join('\n')).toContain('default/hello'));
  const release = await hang(state);
  state.at = new Date('2026-01-01T00:00:15Z');
  const line = `! ${clock(new Date('2026-01-01T00:00:10Z'))} npm start: The API server has not answered for more than 3 s`;
  await eventually(() => expect(state.below()).toContain(line));
  state.at = new Date('2026-01-01T00:00:19Z');
  const { shows } = state.screen;
  await eventually(() => expect(state.screen.shows).toBeGreaterThan(shows + 1));
  expect(state.below()).toContain(line);
  release(() => LATER);
  await eventually(() => expect(state.screen.printed.join('\n')).toContain('did not answer for 9 s'));
  await state.stop();
});
