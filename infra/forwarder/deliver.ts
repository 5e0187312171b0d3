import { CloudEvent, HTTP } from 'cloudevents';
import { request, type Agent } from 'undici';
import { retryAfterSeconds } from '../../functions/cluster/errors.ts';
import { API_VERSION, KIND, keyText } from '../../functions/website/resource.ts';
import { EVENT_TYPES, sourceOf, subjectOf, type EventData } from '../../functions/website/event.ts';
import type { Change } from './known.ts';

/** What is delivered: a change of one Website, or a request to look at all of them. */
export type Notice = Change | { readonly kind: 'resync'; readonly id: string };

/** What the sink made of it. */
export type Delivery =
  | {
      readonly kind: 'accepted';
      readonly status: number;
      readonly outcome?: string;
      readonly actions?: string;
      readonly requeueAfterSeconds?: number;
    }
  /** The sink will never take it: sending it again would change nothing. */
  | { readonly kind: 'rejected'; readonly status: number; readonly why: string }
  | { readonly kind: 'failed'; readonly status?: number; readonly why: string; readonly retryAfterSeconds?: number };

export interface SinkOptions {
  readonly url: URL;
  readonly agent: Agent;
  /** Name of the cluster in `source`. */
  readonly cluster: string;
  readonly mode: 'binary' | 'structured';
  readonly timeoutMs: number;
}

/** The event of a notice. The same notice is the same event, with the same id, however often it is sent. */
export function eventOf(notice: Notice, cluster: string): CloudEvent<EventData | undefined> {
  const type = EVENT_TYPES[notice.kind];
  const source = sourceOf(cluster);
  if (notice.kind === 'resync') return new CloudEvent({ type, source, id: notice.id });
  const { key, uid, reason, resourceVersion, generation, childKind } = notice;
  return new CloudEvent<EventData>({
    type,
    source,
    id: notice.id,
    subject: subjectOf(key),
    datacontenttype: 'application/json',
    partitionkey: keyText(key),
    apiversion: API_VERSION,
    kind: KIND,
    ...key,
    data: { apiVersion: API_VERSION, kind: KIND, ...key, uid, resourceVersion, generation, reason, childKind },
  });
}

/** Bodies of answers are not read beyond this: they are for people who call by hand. */
const LARGEST_ANSWER = 16 * 1024;
const REJECTIONS: ReadonlySet<number> = new Set([400, 413, 415]);

/** Sends an event once. It never throws, and never follows a redirect: the sink is whom the operator named. */
export async function deliver(
  notice: Notice,
  { url, agent, cluster, mode, timeoutMs }: SinkOptions,
): Promise<Delivery> {
  const { headers, body } = HTTP[mode](eventOf(notice, cluster));
  try {
    const response = await request(url, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body: typeof body === 'string' ? body : null,
      dispatcher: agent,
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body.dump({ limit: LARGEST_ANSWER });
    return judged(response.statusCode, (name) => [response.headers[name]].flat()[0]);
  } catch (error) {
    return { kind: 'failed', why: error instanceof Error ? error.message || error.name : String(error) };
  }
}

function judged(status: number, header: (name: string) => string | undefined): Delivery {
  if (status >= 200 && status < 300) {
    const outcome = header('website-outcome');
    const actions = header('website-actions');
    const requeueAfterSeconds = retryAfterSeconds(header('website-requeue-after'));
    return {
      kind: 'accepted',
      status,
      ...(outcome === undefined ? {} : { outcome }),
      ...(actions === undefined ? {} : { actions }),
      ...(requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds }),
    };
  }
  const why = status >= 300 && status < 400 ? 'redirects are not followed' : `HTTP ${status}`;
  if (REJECTIONS.has(status)) return { kind: 'rejected', status, why };
  const seconds = retryAfterSeconds(header('retry-after'));
  return { kind: 'failed', status, why, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) };
}
