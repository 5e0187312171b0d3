import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './log.ts';

/** The Azure host gives a worker 5 s to stop. Kubernetes gives 30 s, most of which running requests may take. */
const PATIENCE_MS = 3_000;
/** Long enough to write the last log lines. */
const LAST_MS = 500;

/**
 * Sends the last telemetry. It gives up after `PATIENCE_MS`, and never throws.
 * @param what the telemetry in words, for the log.
 */
export async function endTelemetry(what: string, end: () => Promise<void>, log: Pick<Log, 'warn'>): Promise<void> {
  const waiting = new AbortController();
  const late = async (): Promise<never> => {
    await delay(PATIENCE_MS, undefined, { signal: waiting.signal });
    throw new Error(`The collector did not answer within ${PATIENCE_MS} ms`);
  };
  try {
    await Promise.race([end(), late()]);
  } catch (error) {
    log.warn({ err: error }, `Could not send the last ${what}`);
  } finally {
    waiting.abort();
  }
}

/**
 * Ends the process even if an exporter still waits for its collector. The timer does not keep the process alive: without other
 * work, it exits earlier.
 */
export function endSoon(): void {
  setTimeout(() => process.exit(), LAST_MS).unref();
}
