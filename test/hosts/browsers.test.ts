// Without credentials of callers, a web page must not be able to send requests through its reader's browser.
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { parse } from 'yaml';
import { startFunctions, type Program } from '../program.ts';

const EVENT = { 'ce-id': '1', 'ce-source': '/x', 'ce-specversion': '1.0', 'ce-type': 'com.example.other' };

let program: Program;
afterEach(() => program.stop());

/** Starts the functions for anonymous callers. @returns the status of their answer to an event with these headers. */
async function statusOf(settings: Record<string, string> = {}) {
  program = startFunctions({ KUBECONFIG: inject('functionsKubeconfig'), ...settings });
  const url = new URL(String((await program.line('Listening'))['url']));
  return async (headers: Record<string, string>, path = '/', method = 'POST') => {
    const sent = request({ host: url.hostname, port: url.port, path, method, headers: { ...EVENT, ...headers } }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  };
}

describe('The Node host with ALLOW_ANONYMOUS', () => {
  it('accepts requests whose Host and Origin are this machine, with any port', async () => {
    const status = await statusOf();
    for (const host of ['localhost', 'LOCALHOST:1', 'localhost.', '127.0.0.1', '127.0.0.1:8080', '[::1]', '[::1]:80'])
      expect([host, await status({ host })]).toEqual([host, 204]);
    for (const origin of ['http://localhost:3000', 'https://127.0.0.1', 'http://[::1]:1'])
      expect([origin, await status({ origin })]).toEqual([origin, 204]);
    expect(await status({ 'webhook-request-origin': 'eventgrid.azure.net', host: 'localhost' }, '/', 'OPTIONS')).toBe(
      204,
    );
  });

  it('refuses requests with a foreign Host or Origin on both paths, because another page may have sent them', async () => {
    const status = await statusOf();
    for (const path of ['/', '/resync']) {
      for (const host of [
        'evil.example.com',
        'localhost.evil.example.com',
        '127.0.0.1.nip.io',
        'x@localhost',
        '10.0.0.1',
      ])
        expect([host, await status({ host }, path)]).toEqual([host, 403]);
      for (const origin of ['https://evil.example.com', 'http://localhost.evil.example.com', 'null', ''])
        expect([origin, await status({ origin }, path)]).toEqual([origin, 403]);
    }
    expect(program.lines.filter(({ msg }) => msg === 'Resynced Websites')).toEqual([]);
    expect(await program.line('Refused caller')).toMatchObject({ why: 'Host is not allowed' });
    // A probe names the Pod.
    for (const page of ['/livez', '/readyz', '/statusz'])
      expect(await status({ host: '10.0.0.1:8080' }, page, 'GET')).toBe(200);
    // With those above, 23 requests had a foreign Host.
    await Promise.all(Array.from({ length: 13 }, () => status({ host: 'evil.example.com' })));
    await program.stop();
    expect(program.lines).toContainEqual(
      expect.objectContaining({ line: 'Refused caller', problem: 'Host is not allowed', leftOut: 3 }),
    );
  });

  it('accepts hosts of ALLOWED_HOSTS too, and every host with *', async () => {
    const status = await statusOf({ ALLOWED_HOSTS: 'Functions.Example.com, other' });
    expect(await status({ host: 'functions.example.COM:80', origin: 'https://other' })).toBe(204);
    expect(await status({ host: 'evil.example.com' })).toBe(403);
    await program.stop();
    const lenient = await statusOf({ ALLOWED_HOSTS: '*' });
    expect(await lenient({ host: 'evil.example.com', origin: 'https://evil.example.com' })).toBe(204);
  });

  it('does not start with an invalid name in ALLOWED_HOSTS', async () => {
    program = startFunctions({ ALLOWED_HOSTS: 'http://a.example.com, b' });
    expect(await program.exit).toBe(2);
    expect(program.stderr.join('')).toContain('ALLOWED_HOSTS: must be host names');
  });
});

interface Kustomization {
  readonly patches: readonly { readonly target: { readonly kind: string }; readonly patch: string }[];
}

describe.each(['broker', 'api-server-source'])('The functions of infra/knative/%s', (folder) => {
  it('accept the names of their Service, which Knative passes on, and refuse other names', async () => {
    const { patches } = parse(readFileSync(`infra/knative/${folder}/kustomization.yaml`, 'utf8')) as Kustomization;
    const added = patches
      .filter(({ target }) => target.kind === 'Service')
      .flatMap(({ patch }) => parse(patch) as { value: { name: string; value: string } }[])
      .map(({ value: { name, value } }) => [name, value]);
    const status = await statusOf(Object.fromEntries(added) as Record<string, string>);
    const name = 'website-functions.website-reconciler';
    for (const host of [`${name}.svc.cluster.local`, `${name}.svc`, `${name}:80`])
      expect([host, await status({ host })]).toEqual([host, 204]);
    expect(await status({ host: 'evil.example.com' })).toBe(403);
  });
});
