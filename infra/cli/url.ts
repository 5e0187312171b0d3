import { holdsCredentials, isHttp } from '../../functions/cluster/shown-url.ts';
import { UsageError } from '../usage.ts';

/** What the flag of a URL is for, to complete its errors. */
interface Purpose {
  /** What the URL must be, such as `the http or https URL of the receiver`. */
  readonly must: string;
  /** What to use instead of credentials in the URL. */
  readonly instead: string;
}

/** The value of a flag for a URL. @throws UsageError without the value, which may hold a secret. */
export function urlFrom(flag: string, text: string, { must, instead }: Purpose): URL {
  const url = URL.parse(text);
  if (url === null || !isHttp(url)) throw new UsageError(`${flag} must be ${must}`);
  if (holdsCredentials(url)) throw new UsageError(`${flag} must not hold a user or a password: ${instead}`);
  return url;
}
