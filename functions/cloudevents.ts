import * as z from 'zod';
import type { EventAttributes } from './website/event.ts';

/** An HTTP request, as every host can give it. */
export interface HttpMessage {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A message that is no CloudEvent that we can read, however often it is sent. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
  readonly status: 400 | 415;

  constructor(status: 400 | 415, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

const text = z.string().min(1, 'must not be empty');

/** The attributes that the specification requires, and the one that we read besides. */
const attributes = z.object({
  id: text,
  source: text,
  specversion: z.literal('1.0', 'must be 1.0'),
  type: text,
  subject: text.optional(),
  data: z.unknown().optional(),
});

/**
 * The event of an HTTP request in binary or structured mode.
 * Read here and not by the SDK, which invents a missing id, takes two spellings of the content type and leaves
 * `application/json; charset=UTF-8` unparsed (docs/adr/0005-reading-cloudevents.md).
 * @throws MalformedMessageError 415 when it is no CloudEvent, 400 with the attribute when it is a broken one.
 */
export function eventIn({ headers, body }: HttpMessage): EventAttributes {
  const mediaType = mediaTypeOf(headers);
  if (mediaType === 'application/cloudevents+json') return eventOf(json(body));
  if (mediaType.startsWith('application/cloudevents')) {
    throw new MalformedMessageError(415, `Content-Type ${mediaType} is not supported: send CloudEvents as JSON`);
  }
  if (headers['ce-specversion'] === undefined && headers['ce-id'] === undefined) {
    throw new MalformedMessageError(
      415,
      'This is not a CloudEvent: there are no ce- headers and no CloudEvents Content-Type',
    );
  }
  return eventOf({ ...binaryAttributes(headers), data: binaryData(mediaType, body) });
}

/**
 * The events of an HTTP request in batched mode, to be read one by one; nothing in another mode.
 * @throws MalformedMessageError 400 when the body is not an array.
 */
export function batchIn({ headers, body }: HttpMessage): readonly unknown[] | undefined {
  if (mediaTypeOf(headers) !== 'application/cloudevents-batch+json') return undefined;
  const events = json(body);
  if (!Array.isArray(events)) throw new MalformedMessageError(400, 'A batch must be a JSON array');
  return events;
}

const mediaTypeOf = (headers: HttpMessage['headers']): string =>
  (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

/**
 * One event from its parsed JSON, which is how structured mode, batches and triggers without HTTP bring it.
 * @throws MalformedMessageError 400 with the attribute that is wrong.
 */
export function eventOf(value: unknown): EventAttributes {
  const parsed = attributes.safeParse(decodedData(value));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new MalformedMessageError(400, `CloudEvent ${issue?.path.join('.') || 'event'}: ${issue?.message}`);
}

/** `data_base64` is how JSON carries data that is not JSON; ours is JSON all the same. */
function decodedData(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('data_base64' in value)) return value;
  const encoded = z.base64().safeParse(value.data_base64);
  if (!encoded.success) throw new MalformedMessageError(400, 'CloudEvent data_base64: must be base64');
  return { ...value, data: json(Buffer.from(encoded.data, 'base64').toString('utf8')) };
}

function binaryAttributes(headers: HttpMessage['headers']): Record<string, string> {
  const prefix = 'ce-';
  const given = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(given.map(([name, value]) => [name.slice(prefix.length), percentDecoded(name, value)]));
}

/** Source: CloudEvents HTTP protocol binding 3.1.3.2. */
function percentDecoded(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    throw new MalformedMessageError(400, `Header ${name}: is not valid percent-encoding`, error);
  }
}

/** Data that is not JSON stays text: only an event of a type that we do not know can have such. */
function binaryData(mediaType: string, body: string): unknown {
  if (body.trim() === '') return undefined;
  const isJson =
    mediaType === '' || mediaType === 'application/json' || mediaType === 'text/json' || mediaType.endsWith('+json');
  return isJson ? json(body) : body;
}

function json(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new MalformedMessageError(400, 'The body is not valid JSON', error);
  }
}
