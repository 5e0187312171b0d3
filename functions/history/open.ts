import type { HistoryAddress } from '../settings/history-url.ts';
import type { Log } from '../telemetry/log.ts';
import { History } from './history.ts';
import type { HistoryStore } from './store.ts';

/** The history at an address. It connects in the background. */
export async function historyAt(
  address: HistoryAddress,
  settings: ConstructorParameters<typeof History>[1],
  log: Log,
): Promise<History> {
  const history = new History(await storeAt(address), settings, log);
  history.openSoon();
  return history;
}

/** Loads the adapter that is needed and no other. */
async function storeAt(address: HistoryAddress): Promise<HistoryStore> {
  if (address.kind === 'sqlite') {
    const { SqliteHistory } = await import('./sqlite.ts');
    return new SqliteHistory(address.path);
  }
  const { PostgresHistory } = await import('./postgres.ts');
  return new PostgresHistory(address.url);
}
