import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClusterError } from '../../functions/cluster/errors.ts';
import type { ApiRequest, Transport } from '../../functions/cluster/transport.ts';
import { patient } from '../../infra/cli/patience.ts';
import { run } from '../../infra/cli/program.ts';
import { eventually } from '../eventually.ts';

describe('A transport of the program website', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  const asking = (what: string): ApiRequest => ({ method: 'GET', path: '/', what });
  const LINE = 'Waiting for https://api, which has not answered for 3 s (list websites)';

  /** A transport whose calls answer after this time, or fail. */
  function answeringAfter(ms: number, how: () => unknown = () => 'answer') {
    const lines: string[] = [];
    const answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return how();
    };
    const transport = { server: 'https://api', json: answer, sized: answer } as unknown as Transport;
    return { lines, transport: patient(transport, (line) => lines.push(line)) };
  }

  it('says nothing if the API server answers within three seconds', async () => {
    const { lines, transport } = answeringAfter(2_900);
    const answer = transport.json(asking('list websites'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await answer).toBe('answer');
    expect(lines).toEqual([]);
  });

  it.each(['json', 'sized'] as const)('says once what it waits for if that takes longer (%s)', async (call) => {
    const { lines, transport } = answeringAfter(30_000);
    const answer = transport[call](asking('list websites'));
    await vi.advanceTimersByTimeAsync(2_999);
    expect(lines).toEqual([]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await answer).toBe('answer');
    expect(lines).toEqual([LINE]);
  });

  it('says it once for several calls at the same time', async () => {
    const { lines, transport } = answeringAfter(30_000);
    const answers = Promise.all([transport.json(asking('list websites')), transport.json(asking('get websites shop'))]);
    await vi.advanceTimersByTimeAsync(60_000);
    await answers;
    expect(lines).toEqual([LINE]);
  });

  it('says it although more calls are sent while none is answered', async () => {
    const { lines, transport } = answeringAfter(30_000);
    const first = transport.json(asking('list websites'));
    await vi.advanceTimersByTimeAsync(2_000);
    const second = transport.json(asking('get websites shop'));
    await vi.advanceTimersByTimeAsync(1_500);
    expect(lines).toEqual([LINE]);
    await vi.advanceTimersByTimeAsync(60_000);
    await Promise.all([first, second]);
  });

  it('says nothing about a call that waits for its turn while others are answered', async () => {
    const lines: string[] = [];
    const json = ({ what }: ApiRequest) => new Promise((resolve) => setTimeout(resolve, Number(what) * 1_000));
    const transport = patient({ server: 'https://api', json } as unknown as Transport, (line) => lines.push(line));
    const answers = Promise.all(['2', '4', '6', '8'].map(async (seconds) => transport.json(asking(seconds))));
    await vi.advanceTimersByTimeAsync(60_000);
    await answers;
    expect(lines).toEqual([]);
  });

  it('says how long it waited when it gives up', async () => {
    const { transport } = answeringAfter(65_000, () => {
      throw new ClusterError('Timeout', 'No answer in time');
    });
    await Promise.all([
      expect(transport.json(asking('list websites'))).rejects.toMatchObject({
        code: 'Timeout',
        message: 'Could not list websites: https://api did not answer for 65 s. Is the API server busy, or stopped?',
      }),
      vi.advanceTimersByTimeAsync(65_000),
    ]);
  });

  it("keeps the API server's own message", async () => {
    const { transport } = answeringAfter(0, () => {
      throw new ClusterError('Timeout', 'Could not list websites: Too large resource version', { status: 504 });
    });
    await Promise.all([
      expect(transport.json(asking('list websites'))).rejects.toThrow('Too large resource version'),
      vi.advanceTimersByTimeAsync(0),
    ]);
  });
});

it('website list says on stderr what it waits for', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), 'website-patience-'));
  const kubeconfig = join(folder, 'config');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'a', cluster: { server: url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'a', user: { token: 'x' } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    }),
  );
  const errors: string[] = [];
  const ended = run(['list', '--kubeconfig', kubeconfig], {
    out: () => {},
    error: (text) => errors.push(text),
    now: () => new Date(),
    interrupted: () => new AbortController().signal,
    kubeconfig: undefined,
  });
  await eventually(() =>
    expect(errors).toEqual([`Waiting for ${url}, which has not answered for 3 s (list websites in namespace default)`]),
  );
  server.closeAllConnections();
  server.close();
  expect(await ended).toBe(1);
  rmSync(folder, { recursive: true });
});
