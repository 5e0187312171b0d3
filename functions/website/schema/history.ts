import * as z from 'zod';
import { IMAGE_REFERENCE } from './grammar.ts';

/** Entries that a status keeps. */
export const MOST_ENTRIES = 10;
/** Longest message of an entry, in bytes. Ten of them have to stay small beside the rest of the Website. */
export const LONGEST_REASON_MESSAGE = 512;

const time = () => z.string().meta({ format: 'date-time' });

const entry = z.object({
  generation: z.int().min(0).meta({ format: 'int64' }).describe('Generation of the spec.'),
  image: z.string().max(IMAGE_REFERENCE.longest).describe('Image that this spec names.'),
  startedAt: time().describe('When the functions first saw this generation.'),
  readyAt: time().optional().describe('When the site was first ready with this generation. Absent if it never was.'),
  reason: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('Why the site did not become ready: the reason of its condition Ready.'),
  message: z
    .string()
    .max(LONGEST_REASON_MESSAGE)
    .optional()
    .describe('Explanation for people: the message of that condition, shortened, or why the site was not judged.'),
});

export const history = z
  .array(entry)
  .max(MOST_ENTRIES)
  .optional()
  .meta({ 'x-kubernetes-list-type': 'atomic' })
  .describe(
    `The last ${MOST_ENTRIES} generations that the functions saw, newest first: when each one started, and when the site was ready with it or why it was not.`,
  );

export type HistoryEntry = z.output<typeof entry>;
