// Reading a CloudEvent, by the HTTP binding and the JSON format of the specification.
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

describe('A null in the JSON of an event', () => {
  it.each(['subject', 'time', 'dataschema', 'datacontenttype', 'myextension', 'data', 'data_base64'])(
    'as %s counts as absent',
    (name) => {
      expect(eventOf({ ...required, [name]: null })).toMatchObject({ id: '1', source: '/x', type: OURS });
    },
  );

  it('as data or data_base64 leaves the other one valid', () => {
    expect(eventOf({ ...required, data: { a: 1 }, data_base64: null }).data?.()).toEqual({ a: 1 });
    expect(eventOf({ ...required, data: null, data_base64: 'eyJhIjoxfQ==' }).data?.()).toEqual({ a: 1 });
    expect(eventOf({ ...required, data: null, data_base64: null }).data?.()).toBeUndefined();
  });

  it.each(['id', 'source', 'specversion', 'type'])('as %s is refused, because the attribute is required', (name) => {
    expect(() => eventOf({ ...required, [name]: null })).toThrow(`CloudEvent ${name}: is missing`);
    expect(() => eventOf({ ...required, [name]: undefined })).toThrow(`CloudEvent ${name}: is missing`);
  });
});

it('An event with data and data_base64 is refused, and the error names both', () => {
  const both = () => eventOf({ ...required, data: 1, data_base64: 'MQ==' });
  expect(both).toThrow(MalformedMessageError);
  expect(both).toThrow('data and data_base64');
});

it.each([[null], [1], ['text'], [[]]])('The JSON value %j is refused as an event', (value) => {
  expect(() => eventOf(value)).toThrow(MalformedMessageError);
});

describe('A header of an event', () => {
  it.each([
    ['as it is', 'a-1', 'a-1'],
    ['with its percent-encoding decoded', 'Euro%20%E2%82%AC%20%F0%9F%98%80%25', 'Euro € 😀%'],
    ['decoded once only', '%2541', '%41'],
    ['unchanged with a stray %, from a sender that does not encode', '100%', '100%'],
    ['unchanged with an encoded character and a stray %', '50%20%', '50%20%'],
    ['unchanged if the encoded bytes are not UTF-8', '%FF', '%FF'],
    ['without its quotes', '"a b"', 'a b'],
    ['without its quotes and escapes', String.raw`"say \"hi\" \\ \o"`, String.raw`say "hi" \ o`],
    ['without its quotes, and decoded', '"a%20b"', 'a b'],
    ['without its quotes if it holds only an escaped quote', String.raw`"\""`, '"'],
    ['unchanged with quotes inside', '100% "ok"', '100% "ok"'],
    ['unchanged with an open quote', '"a', '"a'],
  ])('is read %s', (_, value, expected) => {
    expect(binary({ 'ce-id': value, 'ce-subject': value })).toMatchObject({ id: expected, subject: expected });
  });

  it('is understood in quotes also as the type and the version', () => {
    expect(binary({ 'ce-type': `"${OURS}"`, 'ce-specversion': '"1.0"' })).toMatchObject({ type: OURS });
  });

  it('that the reader does not need may hold anything', () => {
    expect(binary({ 'ce-note': '100%', 'ce-time': '%', 'ce-data_base64': '%' }, '{"a":1}').data?.()).toEqual({ a: 1 });
  });

  it('must not be empty, quoted or not', () => {
    expect(() => binary({ 'ce-id': '""' })).toThrow('CloudEvent id: must not be empty');
  });
});

describe('The reader refuses data', () => {
  it.each<[string, () => ReturnType<typeof eventIn>]>([
    ['of binary mode that is not JSON', () => binary({}, 'time to resync')],
    ['of another Content-Type', () => binary({ 'content-type': 'text/plain' }, '{}')],
    ['in base64 that is not JSON', () => eventOf({ ...required, data_base64: 'AAEC' })],
    ['in invalid base64', () => eventOf({ ...required, data_base64: '{' })],
    ['in base64 that is not a text', () => eventOf({ ...required, data_base64: 1 })],
  ])('%s only when the data is used, and the error names it', (_, read) => {
    const event = read();
    expect(event.id).toBe('1');
    expect(event.data).toThrow(MalformedMessageError);
    expect(event.data).toThrow('CloudEvent data');
  });
});
