import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** What OpenTelemetry's collector would have been sent, as OTLP over HTTP in JSON. */
export interface OtlpCollector {
  readonly url: string;
  /** Every message, parsed, with the path that it came to: `/v1/traces`, `/v1/metrics`. */
  readonly received: { readonly path: string; readonly message: unknown }[];
  close(): void;
}

export async function startOtlpCollector(): Promise<OtlpCollector> {
  const received: OtlpCollector['received'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const text = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body).toString();
      received.push({ path: request.url ?? '', message: JSON.parse(text) });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
