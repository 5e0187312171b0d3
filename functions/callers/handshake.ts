import type { Config } from '../config.ts';
import type { Reply } from '../reply.ts';

/**
 * Answers the validation request of the CloudEvents HTTP webhook specification (4.1). The headers express consent, and the status does
 * not: a sender whose origin is not allowed gets no such headers.
 */
export function handshake(
  { headers }: { readonly headers: Readonly<Record<string, string>> },
  { webhookAllowedOrigins }: Pick<Config, 'webhookAllowedOrigins'>,
): Reply {
  const origin = headers['webhook-request-origin'] ?? headers['origin'];
  // Schemes and host names are case-insensitive.
  const isSame = (one: string) => one === '*' || one.toLowerCase() === origin?.toLowerCase();
  const allowed = origin !== undefined && webhookAllowedOrigins.some(isSame);
  const consent = allowed ? { 'webhook-allowed-origin': origin, 'webhook-allowed-rate': '*' } : {};
  return { status: 204, headers: { allow: 'POST, OPTIONS', ...consent } };
}
