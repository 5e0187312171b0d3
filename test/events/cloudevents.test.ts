// What is read of a CloudEvent, by the HTTP binding and the JSON format of the specification.
import { describe, expect, it } from 'vitest';
import { eventIn, eventOf, MalformedMessageError } from '../../functions/events/cloudevents.ts';

const OURS = 'com.example.stable.website.changed';
const required = { id: '1', source: '/x', specversion: '1.0', type: OURS };
const binary = (headers: Record<string, string>, body = '') =>
  eventIn({
    method: 'POST',
    headers: { 'ce-id': '1', 'ce-source': '/x', 'ce-specversion': '1.0', 'ce-type': OURS, ...headers },
    body,
  });

describe('A null in JSON', () => {
  it.each(['subject', 'time', 'dataschema', 'datacontenttype', 'myextension', 'data', 'data_base64'])(
    'as %s is the same as none',
    (name) => {
      expect(eventOf({ ...required, [name]: null })).toMatchObject({ id: '1', source: '/x', type: OURS });
    },
  );

  it('as data or data_base64 leaves the other one', () => {
    expect(eventOf({ ...required, data: { a: 1 }, data_base64: null }).data?.()).toEqual({ a: 1 });
    expect(eventOf({ ...required, data: null, data_base64: 'eyJhIjoxfQ==' }).data?.()).toEqual({ a: 1 });
    expect(eventOf({ ...required, data: null, data_base64: null }).data?.()).toBeUndefined();
  });

  it.each(['id', 'source', 'specversion', 'type'])('as %s leaves out what has to be there', (name) => {
    expect(() => eventOf({ ...required, [name]: null })).toThrow(`CloudEvent ${name}: is missing`);
    expect(() => eventOf({ ...required, [name]: undefined })).toThrow(`CloudEvent ${name}: is missing`);
  });
});

it('Data in both forms is refused, and both are named', () => {
  const both = () => eventOf({ ...required, data: 1, data_base64: 'MQ==' });
  expect(both).toThrow(MalformedMessageError);
  expect(both).toThrow('data and data_base64');
});

it.each([[null], [1], ['text'], [[]]])('%j is no event', (value) => {
  expect(() => eventOf(value)).toThrow(MalformedMessageError);
});

describe('An attribute in a header', () => {
  it.each([
    ['as it is', 'a-1', 'a-1'],
    ['percent-encoded', 'Euro%20%E2%82%AC%20%F0%9F%98%80%25', 'Euro € 😀%'],
    ['encoded once, not twice', '%2541', '%41'],
    ['with a % that encodes nothing, from a sender that does not encode', '100%', '100%'],
    ['with some that do and one that does not', '50%20%', '50%20%'],
    ['with bytes that are no UTF-8', '%FF', '%FF'],
    ['quoted', '"a b"', 'a b'],
    ['quoted, with escapes', String.raw`"say \"hi\" \\ \o"`, String.raw`say "hi" \ o`],
    ['quoted and encoded', '"a%20b"', 'a b'],
    ['quoted, and nothing in it but an escaped quote', String.raw`"\""`, '"'],
    ['with quotes inside', '100% "ok"', '100% "ok"'],
    ['with a quote that does not end', '"a', '"a'],
  ])('is read %s', (_, value, expected) => {
    expect(binary({ 'ce-id': value, 'ce-subject': value })).toMatchObject({ id: expected, subject: expected });
  });

  it('is read quoted where it says what the event is', () => {
    expect(binary({ 'ce-type': `"${OURS}"`, 'ce-specversion': '"1.0"' })).toMatchObject({ type: OURS });
  });

  it('may be anything where it is not read', () => {
    expect(binary({ 'ce-note': '100%', 'ce-time': '%', 'ce-data_base64': '%' }, '{"a":1}').data?.()).toEqual({ a: 1 });
  });

  it('must not be empty, quoted or not', () => {
    expect(() => binary({ 'ce-id': '""' })).toThrow('CloudEvent id: must not be empty');
  });
});

describe('Data', () => {
  it.each<[string, () => ReturnType<typeof eventIn>]>([
    ['of binary mode that is no JSON', () => binary({}, 'time to resync')],
    ['of another Content-Type', () => binary({ 'content-type': 'text/plain' }, '{}')],
    ['in base64 that is no JSON', () => eventOf({ ...required, data_base64: 'AAEC' })],
    ['in what is no base64', () => eventOf({ ...required, data_base64: '{' })],
    ['that should be base64 and is no text', () => eventOf({ ...required, data_base64: 1 })],
  ])('%s is refused where it is read, by name, and nowhere else', (_, read) => {
    const event = read();
    expect(event.id).toBe('1');
    expect(event.data).toThrow(MalformedMessageError);
    expect(event.data).toThrow('CloudEvent data');
  });
});
