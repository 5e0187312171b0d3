import { ClusterError } from '../../../functions/cluster/errors.ts';
import type { ApiRequest, Transport } from '../../../functions/cluster/transport.ts';

/** The same API server, for reading. It sends no other request, so the page cannot change anything. */
export const readOnly = (transport: Transport): Transport => ({
  ...transport,
  json: async (request) => transport.json(reading(request)),
  sized: async (request) => transport.sized(reading(request)),
  stream: async (request) => transport.stream(reading(request)),
});

function reading(request: ApiRequest): ApiRequest {
  if (request.method === 'GET') return request;
  throw new ClusterError('Forbidden', `Could not ${request.what}: the page only reads`);
}
