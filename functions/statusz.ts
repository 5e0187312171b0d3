import * as z from 'zod';
import { VERSION } from './version.ts';

/** What a program answers at `/statusz`, for `website doctor`. Times are ISO 8601. */
export const statusz = z.object({
  /** Absent in releases up to v0.1.0. */
  program: z.enum(['functions', 'forwarder']).optional(),
  version: z.string(),
  startedAt: z.iso.datetime(),
  /** The namespaces that the program is limited to; absent if it works in all. */
  namespaces: z.array(z.string()).readonly().optional(),
  /** Of the functions alone. */
  resync: z
    .object({
      /** 0 if another program asks for each resync. */
      intervalSeconds: z.number(),
      /** When this process last completed a resync of all its clusters; absent if it has not done so since it started. */
      lastCompleteAt: z.iso.datetime().optional(),
    })
    .optional(),
});
export type Statusz = z.output<typeof statusz>;

/** @param startedAt in milliseconds since 1970. */
export const statuszText = (
  startedAt: number,
  about: Pick<Statusz, 'namespaces' | 'resync'> & Required<Pick<Statusz, 'program'>>,
): string => {
  const status: Statusz = { version: VERSION, startedAt: new Date(startedAt).toISOString(), ...about };
  return `${JSON.stringify(status)}\n`;
};
