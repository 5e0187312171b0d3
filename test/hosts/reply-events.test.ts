// Both hosts encode each part of a request that they repeat in an answer.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RECONCILED_TYPE } from '../../functions/events/website-event.ts';
import { startFunctions, startProgram, type Program } from '../program.ts';

const SETTINGS = { KUBECONFIG: 'test/fixtures/unreachable.kubeconfig', REPLY_EVENTS: 'true', LOG_LEVEL: 'trace' };

describe.each([
  ['the Node host', () => startFunctions({ ...SETTINGS, RESYNC_INTERVAL_SECONDS: '0' })],
  ['the Azure host', () => startProgram('test/hosts/azure-worker.ts', [], SETTINGS)],
])('With REPLY_EVENTS, %s', (_, start) => {
  let program: Program;
  let url: string;

  beforeAll(async () => {
    program = start();
    url = String((await program.line('Listening'))['url']);
  });
  afterAll(() => program.stop());

  // An event of a deleted Website leads to no request to the cluster.
  const eventWith = (id: string, given: object = {}) => ({
    id,
    specversion: '1.0',
    source: '/x',
    type: 'com.example.stable.website.deleted',
    data: {
      apiVersion: 'stable.example.com/v1',
      kind: 'Website',
      namespace: 'a',
      name: 'b',
      uid: 'x',
      reason: 'deleted',
    },
    ...given,
  });
  const post = (type: string, body: object) =>
    fetch(url, { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) });

  it.each([
    ['a line break', 'a\r\nset-cookie: x=1'],
    ['a null character', 'a\u0000b'],
    ['other control characters', 'a\t\u001b[31m\u007f\u0085\u009b'],
    ['letters beyond Latin 1', '\u0100'],
    ['letters of Latin 1', 'é'],
    ['an emoji', '🙂'],
    ['characters that need encoding', 'a b"c%d%41'],
    ['characters that need no encoding', "!#$&'()*+,-./:;<=>?@[]^_`{|}~"],
  ])('answers an event whose id has %s with the same id, encoded', async (__, id) => {
    const response = await post('application/cloudevents+json', eventWith(id));
    const header = response.headers.get('ce-id') ?? '';
    expect([response.status, response.headers.get('ce-type')]).toEqual([200, RECONCILED_TYPE]);
    expect(header).toMatch(/^[!#-~]+$/);
    expect(decodeURIComponent(header)).toBe(`${id}.reconciled`);
    expect(response.headers.get('set-cookie')).toBeNull();
  });

  it('does not encode characters that need no encoding', async () => {
    const response = await post('application/cloudevents+json', eventWith("uid.1!#$&'()*+,-/:;<=>?@[]^_`{|}~"));
    expect(response.headers.get('ce-id')).toBe("uid.1!#$&'()*+,-/:;<=>?@[]^_`{|}~.reconciled");
  });

  it('answers an event whose id is half a character or longer than headers may be', async () => {
    const statuses = ['\ud800', 'x'.repeat(200_000), '🙂'.repeat(10_000)].map(async (id) => {
      const response = await post('application/cloudevents+json', eventWith(id));
      await response.arrayBuffer();
      return response.status;
    });
    for (const status of await Promise.all(statuses)) expect([200, 400]).toContain(status);
  });

  it('encodes ids in the answers to a batch', async () => {
    const response = await post('application/cloudevents-batch+json', [eventWith('a\r\nb'), eventWith('🙂')]);
    const answers = (await response.json()) as { headers: Record<string, string> }[];
    expect(answers.map(({ headers }) => headers['ce-id'])).toEqual(['a%0D%0Ab.reconciled', '%F0%9F%99%82.reconciled']);
  });

  it('logs no control character', async () => {
    const said = program.text.length;
    await post('application/cloudevents+json', eventWith('\u0007\u001b[2J\u007f\u009b\u2028'));
    await post(
      'application/cloudevents+json',
      eventWith('\u0007\u009b', { type: 'of\u009b no interest', source: '\u009b' }),
    );
    // The host has survived all requests of these tests.
    expect(await program.stop()).toBe(0);
    expect(program.text.length).toBeGreaterThan(said);
    // oxlint-disable-next-line no-control-regex -- that is the question
    expect(program.text.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  });
});
