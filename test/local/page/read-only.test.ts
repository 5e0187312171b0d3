import { expect, it } from 'vitest';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';
import { readOnly } from '../../../infra/local/page/read-only.ts';

it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
  "The page's transport refuses %s as forbidden and does not send it",
  async (method) => {
    const sent: ApiRequest[] = [];
    const take = async (request: ApiRequest) => sent.push(request);
    const transport = readOnly({ json: take, sized: take, stream: take } as unknown as Transport);
    const asked = { method, path: '/', what: 'change it' };
    for (const send of ['json', 'sized', 'stream'] as const)
      await expect(transport[send](asked)).rejects.toMatchObject({
        code: 'Forbidden',
        message: 'Could not change it: the page only reads',
      });
    expect(sent).toEqual([]);
    await transport.json({ ...asked, method: 'GET' });
    expect(sent).toHaveLength(1);
  },
);
