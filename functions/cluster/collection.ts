/** All objects of a resource, in one namespace or in all. */
export interface Collection {
  /** The plural, such as `websites`. */
  readonly name: string;
  /** `/api/v1` or `/apis/GROUP/VERSION`. */
  readonly prefix: string;
  readonly namespace?: string | undefined;
}

/** The path of a collection, and the request in words for error messages. */
export function requestFor({ name, prefix, namespace }: Collection, verb: 'list' | 'watch') {
  const parent = namespace === undefined ? prefix : `${prefix}/namespaces/${encodeURIComponent(namespace)}`;
  return {
    path: `${parent}/${name}`,
    what: namespace === undefined ? `${verb} ${name}` : `${verb} ${name} in namespace ${namespace}`,
  };
}
