import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { API_VERSION, KIND, websiteKey, type Website, type WebsiteKey } from '../../functions/website/resource.ts';
import { UsageError } from '../usage.ts';

/** A Website as a file states it. */
export interface Manifest {
  readonly key: WebsiteKey;
  readonly metadata: Pick<Website['metadata'], 'labels' | 'annotations'>;
  readonly spec: unknown;
}

/** A manifest that somebody wrote is far smaller. */
const LARGEST_BYTES = 16 * 1024 * 1024;
const STDIN = 0;

/**
 * The Websites in a file of YAML or JSON documents. Other kinds are skipped.
 * @param file a path, or `-` for standard input.
 * @param namespace for Websites without one.
 * @throws UsageError if the file cannot be read, has no Website, or has one without a name.
 */
export function manifestsIn(file: string, namespace: string): Manifest[] {
  const documents = parseAllDocuments(textOf(file));
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined) throw new UsageError(`${file} is not YAML: ${broken.message}`);
  const objects = documents.map((document) => document.toJS({ maxAliasCount: 100 }) as Stated | null);
  const websites = objects.filter((object) => object?.kind === KIND && object.apiVersion === API_VERSION);
  if (websites.length === 0) throw new UsageError(`${file} has no Website (apiVersion: ${API_VERSION}, kind: ${KIND})`);
  return websites.map((object, index) => manifestOf(object, { namespace, where: `${file}, Website ${index + 1}` }));
}

interface Stated {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: Partial<Website['metadata']>;
  readonly spec?: unknown;
}

function textOf(file: string): string {
  try {
    const text = readFileSync(file === '-' ? STDIN : file, 'utf8');
    if (text.length > LARGEST_BYTES) throw new UsageError(`${file} is larger than ${LARGEST_BYTES} bytes`);
    return text;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`Could not read ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function manifestOf(object: Stated | null, { namespace, where }: { namespace: string; where: string }): Manifest {
  const { labels, annotations, ...named } = object?.metadata ?? {};
  const key = websiteKey.safeParse({ namespace: named.namespace ?? namespace, name: named.name });
  if (!key.success) {
    const [issue] = key.error.issues;
    throw new UsageError(`${where}: metadata.${issue?.path.join('.')}: ${issue?.message}`);
  }
  const metadata = {
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  return { key: key.data, metadata, spec: object?.spec };
}
