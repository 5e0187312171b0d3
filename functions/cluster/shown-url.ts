// URLs in messages: credentials may be in any part of a URL but scheme, host, port and path.

/** `https://host:port/path`, for messages. */
export const shownUrl = ({ origin, pathname }: URL): string => `${origin}${pathname}`.replace(/\/$/, '');

export const isHttp = ({ protocol }: URL): boolean => protocol === 'https:' || protocol === 'http:';

export const holdsCredentials = ({ username, password }: URL): boolean => username !== '' || password !== '';
