import { everyLineTwice, withoutLine, type Fault } from './fault.ts';
import { upTo, type Maker, type Menu } from './random.ts';

const expired = JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } });
const broken = JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 500, reason: 'InternalError' } });

const always =
  (fault: Fault): Maker =>
  () =>
    fault;
const slow: Maker = (random) => ({ delayMs: upTo(random, 300) });
const cut: Maker = (random) => ({ cutAfter: upTo(random, 6_000) });
const unanswered: readonly Maker[] = [500, 503, 504].map((answer) => always({ answer }));

const LISTS: readonly [Maker, ...Maker[]] = [
  always({ drop: 'before' }),
  always({ drop: 'answer' }),
  always({ answer: 410, reason: 'Expired' }),
  always({ answer: 429, retryAfter: 1 }),
  (random) => ({ truncateAfter: upTo(random, 2_000) }),
  always({ pieceEveryMs: 1 }),
  slow,
  cut,
  ...unanswered,
];

const WATCHES: readonly [Maker, ...Maker[]] = [
  always({ drop: 'before' }),
  always({ answer: 410, reason: 'Expired' }),
  always({ close: 'empty' }),
  always({ line: expired }),
  always({ line: broken }),
  always({ line: '{"type":"ADDED","object":' }),
  always(everyLineTwice),
  always(everyLineTwice),
  slow,
  cut,
  cut,
  cut,
  ...unanswered,
];

/** What a watch can lose without a sign of it: only a list finds that out, or silence after a minute and a half. */
const LOSSES: readonly Maker[] = [
  (random) => withoutLine(1 + upTo(random, 5)),
  (random) => withoutLine(1 + upTo(random, 20)),
  always({ freeze: true }),
];

/** Faults of an API server. `lossy` ones lose changes as well, which a list has to make good in the end. */
export const apiFaults =
  (kind: 'honest' | 'lossy'): Menu =>
  ({ url = '' }) => {
    if (!url.includes('watch=1')) return LISTS;
    return kind === 'honest' ? WATCHES : [...WATCHES, ...LOSSES];
  };

/** Faults of a sink that still accepts events, perhaps later. */
const EVENTS: readonly [Maker, ...Maker[]] = [
  always({ drop: 'before' }),
  always({ drop: 'answer' }),
  always({ drop: 'answer' }),
  always({ answer: 307, location: 'http://nowhere.invalid/' }),
  always({ answer: 429, retryAfter: 1 }),
  ...[404, 408, 409].map((answer) => always({ answer })),
  slow,
  slow,
  ...unanswered,
];
export const sinkFaults: Menu = () => EVENTS;
