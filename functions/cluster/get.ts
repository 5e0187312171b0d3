import { Agent } from 'undici';
import { exchange, type Answer, type Limits } from './exchange.ts';

/**
 * Reads a URL once, on a connection of its own. It follows no redirect: a token is for the address that it was given for.
 * @throws what `exchange` throws.
 */
export async function get(
  { origin, pathname, search }: URL,
  headers: Readonly<Record<string, string>>,
  limits: Limits & { readonly largest: number },
): Promise<Answer> {
  const agent = new Agent({ allowH2: false });
  try {
    return await exchange(agent, { origin, path: pathname + search, method: 'GET', headers }, limits);
  } finally {
    await agent.destroy();
  }
}
