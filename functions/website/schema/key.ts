import * as z from 'zod';
import { DNS_1123_SUBDOMAIN } from './grammar.ts';

/** RFC 1123 label: the form of a namespace's name. */
const DNS_1123_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A key from outside. Both parts become segments of a URL path, so they must not contain a slash, for example. */
export const websiteKey = z.object({
  namespace: z.string().regex(DNS_1123_LABEL, 'must be a DNS label'),
  name: z.string().max(253).regex(DNS_1123_SUBDOMAIN, 'must be a DNS subdomain'),
});
