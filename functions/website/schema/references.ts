import * as z from 'zod';
import { objectName } from './grammar.ts';
import { matching } from './texts.ts';

/** A whole Secret or ConfigMap of the same namespace, which only the kubelet reads. */
export const objectReference = (what: string, description: string) =>
  z
    .object({
      name: matching(objectName(what)).describe(`Name of ${what} in the same namespace.`),
      optional: z.boolean().optional().describe('If true, the container starts even if the object does not exist.'),
    })
    .optional()
    .describe(description);
