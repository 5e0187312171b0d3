import * as z from 'zod';
import type { EventAttributes } from './website-event.ts';

/** An HTTP request, independent of the host that received it. */
export interface HttpMessage {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The message is not a readable CloudEvent. Sending it again does not help. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
  readonly status: 400 | 415;

  constructor(status: 400 | 415, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

const text = z
  .string({ error: ({ input }) => (input === undefined || input === null ? 'is missing' : 'must be text') })
  .min(1, 'must not be empty');

/** The attributes that the specification requires, and two optional ones. Null means absent (JSON format 2.2). */
const attributes = z.object(
  {
    id: text,
    source: text,
    specversion: text.refine((version) => version === '1.0', 'must be 1.0'),
    type: text,
    subject: text.nullish().transform((subject) => subject ?? undefined),
    /** Only traces depend on it, so what cannot be read counts as absent. */
    traceparent: z.string().optional().catch(undefined),
  },
  'must be an object',
);
const STRUCTURED = 'application/cloudevents+json';
const BATCHED = 'application/cloudevents-batch+json';
const ATTRIBUTES = Object.keys(attributes.shape);

/**
 * Reads the event of an HTTP request in binary or structured mode.
 * The SDK is not used for this (docs/adr/0005-reading-cloudevents.md). It invents a missing id, accepts only two spellings of the
 * content type, and leaves `application/json; charset=UTF-8` unparsed.
 * @throws MalformedMessageError 415 if it is not a CloudEvent; 400, naming the attribute, if the event is malformed.
 */
export function eventIn({ headers, body }: HttpMessage): EventAttributes {
  const mediaType = mediaTypeOf(headers);
  if (mediaType === STRUCTURED) return eventOf(json(body, 'The body'));
  if (mediaType.startsWith('application/cloudevents')) {
    throw new MalformedMessageError(415, 'This Content-Type is not supported. Send CloudEvents as JSON');
  }
  if (headers['ce-specversion'] === undefined && headers['ce-id'] === undefined) {
    throw new MalformedMessageError(
      415,
      'This is not a CloudEvent: it has neither ce- headers nor a CloudEvents Content-Type',
    );
  }
  return { ...attributesOf(binaryAttributes(headers)), data: () => binaryData(mediaType, body) };
}

/**
 * The events of an HTTP request in batched mode, not yet validated; `undefined` in any other mode.
 * @throws MalformedMessageError 400 if the body is not an array.
 */
export function batchIn({ headers, body }: HttpMessage): readonly unknown[] | undefined {
  if (mediaTypeOf(headers) !== BATCHED) return undefined;
  const events = json(body, 'The body');
  if (!Array.isArray(events)) throw new MalformedMessageError(400, 'A batch must be a JSON array');
  return events;
}

/** Whether the body contains the whole event or batch, including the attributes. */
export const isStructured = (headers: HttpMessage['headers']): boolean =>
  [STRUCTURED, BATCHED].includes(mediaTypeOf(headers));

const mediaTypeOf = (headers: HttpMessage['headers']): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/**
 * Reads one event from parsed JSON: from structured mode, a batch, or a trigger without HTTP.
 * @throws MalformedMessageError 400, naming the malformed attribute.
 */
export function eventOf(value: unknown): EventAttributes {
  const event = attributesOf(value);
  const { data, data_base64: encoded } = value as { data?: unknown; data_base64?: unknown };
  if (isUnset(encoded)) return { ...event, data: () => data ?? undefined };
  if (isUnset(data)) return { ...event, data: () => decodedData(encoded) };
  throw new MalformedMessageError(400, 'CloudEvent data and data_base64: only one of them may be present');
}

const isUnset = (value: unknown): boolean => value === undefined || value === null;

function attributesOf(value: unknown): Omit<EventAttributes, 'data'> {
  const parsed = attributes.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MalformedMessageError(400, `CloudEvent ${issue?.path.join('.') || 'event'}: ${issue?.message}`);
}

/** `data_base64` may carry any bytes. Our events carry JSON in it. */
function decodedData(value: unknown): unknown {
  const encoded = z.base64().safeParse(value);
  if (!encoded.success) throw new MalformedMessageError(400, 'CloudEvent data_base64: must be base64');
  return json(Buffer.from(encoded.data, 'base64').toString('utf8'), 'CloudEvent data_base64');
}

/** Decodes only the attributes that are used. Others may hold anything, such as an unencoded %. */
function binaryAttributes(headers: HttpMessage['headers']): Record<string, string | undefined> {
  const prefix = 'ce-';
  return Object.fromEntries(ATTRIBUTES.map((name) => [name, decoded(headers[prefix + name])]));
}

/**
 * Removes quotes first, then percent-encoding (CloudEvents HTTP protocol binding 3.1.3.2). A sender that encodes writes every % as
 * %25. So a value that cannot be decoded comes from a sender that does not encode, such as the Go SDK. It is used as it is.
 */
function decoded(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const [, quoted] = /^"((?:[^"\\]|\\.)*)"$/.exec(value) ?? [];
  const unquoted = quoted?.replace(/\\(.)/g, '$1') ?? value;
  try {
    return decodeURIComponent(unquoted);
  } catch {
    return unquoted;
  }
}

function binaryData(mediaType: string, body: string): unknown {
  if (body.trim() === '') return undefined;
  const isJson =
    mediaType === '' || mediaType === 'application/json' || mediaType === 'text/json' || mediaType.endsWith('+json');
  if (!isJson)
    throw new MalformedMessageError(400, `CloudEvent data: must be JSON, but the Content-Type is ${mediaType}`);
  return json(body, 'CloudEvent data');
}

function json(body: string, what: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new MalformedMessageError(400, `${what} is not valid JSON`, error);
  }
}
