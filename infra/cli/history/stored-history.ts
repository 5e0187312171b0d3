import * as z from 'zod';
import { shownUrl } from '../../../functions/cluster/shown-url.ts';
import type { WebsiteKey } from '../../../functions/website/resource.ts';
import { answerAt, isGood, jsonOf } from '../answer.ts';
import { HEADER_INSTEAD, remedyOfRefusal } from '../header.ts';
import type { Answer } from '../output.ts';
import { table } from '../../table.ts';
import { printable } from '../../text.ts';
import { urlFrom } from '../url.ts';
import { eventText, writeText } from '../../words.ts';

/** Answers of `GET /history` (docs/history.md), as far as this program shows them. */
const answer = z.object({
  records: z.array(
    z.looseObject({
      time: z.string(),
      eventId: z.string().optional(),
      eventReason: z.string(),
      outcome: z.string(),
      reason: z.string().optional(),
      actions: z.array(z.string()),
      changed: z.array(z.string()).default([]),
      ms: z.number(),
    }),
  ),
});

export type StoredRun = z.output<typeof answer>['records'][number];

const HEADER = ['TIME', 'EVENT', 'OUTCOME', 'REASON', 'ACTIONS', 'CHANGED', 'MS'];
const TIMEOUT_MS = 30_000;

/**
 * What the functions did to a Website, by the history that they keep.
 * @param url of `/history` on the Node host, or of `/api/history` on Azure.
 * @throws UsageError for a wrong URL. @throws Error if the functions do not answer with a history.
 */
export async function storedHistory(
  url: string,
  { namespace, name }: WebsiteKey,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const asked = urlFrom('--from', url, {
    must: 'the http or https URL of the history, such as http://localhost:8080/history',
    instead: HEADER_INSTEAD,
  });
  asked.search = new URLSearchParams({ namespace, name }).toString();
  const records = await storedRuns(asked, headers, TIMEOUT_MS).catch((error: unknown) => {
    const toDo = error instanceof NoHistoryError ? remedyOf(error.status) : undefined;
    throw toDo === undefined ? error : new Error(`${(error as Error).message}: ${toDo}`, { cause: error });
  });
  const rows = records.map(({ time, eventReason, outcome, reason = '', actions, changed, ms }) =>
    [
      time,
      eventText(eventReason),
      outcome,
      reason,
      actions.map(writeText).join(', '),
      changed.join(', '),
      String(ms),
    ].map(printable),
  );
  const none = `The functions have no record of Website ${namespace}/${name}.`;
  return { text: rows.length === 0 ? none : table([HEADER, ...rows]), data: records };
}

/** The runs that the functions recorded, newest first. @throws Error if the functions do not answer with a history. */
export async function storedRuns(
  asked: URL,
  headers: Readonly<Record<string, string>>,
  timeoutMs: number,
): Promise<readonly StoredRun[]> {
  const response = await answerAt(asked, { headers, timeoutMs });
  const body = jsonOf(response);
  const parsed = answer.safeParse(body);
  if (isGood(response) && parsed.success) return parsed.data.records;
  const what = isGood(response)
    ? 'something else than a history'
    : [response.status, detailOf(body)].filter(Boolean).join(' ');
  throw new NoHistoryError(response.status, `${shownUrl(asked)} answers ${what}`);
}

/** The functions, or something in their place, answered without a history. */
class NoHistoryError extends Error {
  override readonly name = 'NoHistoryError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const LONGEST_DETAIL = 300;
const problem = z.object({ detail: z.string() });

/** What the functions say about a refusal. */
function detailOf(body: unknown): string | undefined {
  const parsed = problem.safeParse(body);
  return parsed.success ? `(${parsed.data.detail.slice(0, LONGEST_DETAIL)})` : undefined;
}

const PATHS = 'the path is /history, and /api/history on Azure';

function remedyOf(status: number): string | undefined {
  if (status === 404) return `${PATHS}. Functions without HISTORY_URL keep no history`;
  return status < 300 ? `check the address: ${PATHS}` : remedyOfRefusal(status);
}
