import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from './log.ts';

/** The Azure host gives a worker 5 s to end, and Kubernetes waits for the requests at work first. */
const PATIENCE_MS = 3_000;
/** Enough to write the last lines of the log. */
const LAST_MS = 500;

/**
 * Sends the last telemetry, for as long as an ending program can wait for a collector. It never throws.
 * @param what is lost otherwise, for the log.
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

/** Ends the process, which an exporter that still waits for its collector would keep; by itself where nothing does. */
export function endSoon(): void {
  setTimeout(() => process.exit(), LAST_MS).unref();
}
