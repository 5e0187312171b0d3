import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import * as z from 'zod';
import {
  API_VERSION,
  KIND,
  keyText,
  websiteKey,
  type Website,
  type WebsiteKey,
} from '../../../functions/website/resource.ts';
import { UsageError } from '../../usage.ts';

/** A Website as a file states it. */
export interface Manifest {
  /** Its place, for messages: `shop.yaml, Website team-a/shop`. */
  readonly where: string;
  readonly key: WebsiteKey;
  readonly metadata: Pick<Website['metadata'], 'labels' | 'annotations'>;
  readonly spec: unknown;
}

/** What a file states, as far as a plan needs it. */
export interface Manifests {
  readonly websites: readonly Manifest[];
  /** The Namespaces that the file creates. */
  readonly namespaces: ReadonlySet<string>;
}

/** How `kubectl apply` was told where to look. */
interface From {
  /** A path, or `-` for standard input. */
  readonly file: string;
  /** For Websites without one. */
  readonly namespace: string;
  /** The flag `--namespace`. Every Website of the file must be there. */
  readonly only: string | undefined;
}

/** A manifest that somebody wrote is far smaller. */
const LARGEST_BYTES = 16 * 1024 * 1024;
const STDIN = 0;

/**
 * The Websites in a file of YAML or JSON documents, or in a List of them. Other kinds are skipped. As with kubectl, the last one counts
 * if one is there more than once.
 * @throws UsageError if the file cannot be read, has no Website, or has one that kubectl would not send.
 */
export function manifestsIn(from: From): Manifests {
  const { file } = from;
  const objects = documentsIn(file).flatMap(itemsOf);
  const websites = objects.filter(({ kind, apiVersion }) => kind === KIND && apiVersion === API_VERSION);
  if (websites.length === 0) throw new UsageError(`${file} has no Website (apiVersion: ${API_VERSION}, kind: ${KIND})`);
  const manifests = websites.map((object, index) => manifestOf(object, index, from));
  const namespaces = objects.flatMap(({ apiVersion, kind, metadata }) =>
    apiVersion === 'v1' && kind === 'Namespace' ? String((metadata as { name?: unknown } | undefined)?.name) : [],
  );
  return {
    websites: [...new Map(manifests.map((manifest) => [keyText(manifest.key), manifest])).values()],
    namespaces: new Set(namespaces),
  };
}

interface Stated {
  readonly apiVersion?: unknown;
  readonly kind?: unknown;
  readonly metadata?: unknown;
  readonly spec?: unknown;
  readonly items?: unknown;
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

function documentsIn(file: string): unknown[] {
  const documents = parseAllDocuments(textOf(file));
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken !== undefined) throw new UsageError(`${file} is not YAML: ${broken.message}`);
  try {
    return documents.map((document): unknown => document.toJS({ maxAliasCount: 100 }));
  } catch (error) {
    // A few aliases of aliases can stand for gigabytes.
    throw new UsageError(`${file} cannot be read as YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `kubectl get websites -o yaml` prints a List. */
function itemsOf(document: unknown): Stated[] {
  if (typeof document !== 'object' || document === null) return [];
  const stated = document as Stated;
  const isList = stated.kind === 'List' || stated.kind === `${KIND}List`;
  if (!isList || !Array.isArray(stated.items)) return [stated];
  return stated.items.filter((item): item is Stated => typeof item === 'object' && item !== null);
}

const FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);

const texts = z.record(z.string(), z.string()).nullish();

/** `ObjectMeta` of the API. A plan does not look at these. */
const OTHERS =
  'generateName selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds ownerReferences finalizers managedFields';

const metadata = z.strictObject({
  ...websiteKey.partial({ namespace: true }).shape,
  labels: texts,
  annotations: texts,
  ...Object.fromEntries(OTHERS.split(' ').map((name) => [name, z.unknown().optional()])),
});

function manifestOf(object: Stated, index: number, { file, namespace, only }: From): Manifest {
  const place = `${file}, Website ${index + 1}`;
  const unknown = Object.keys(object).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw new UsageError(`${place}: ${unknown} is not a field of a Website`);
  const stated = metadata.safeParse(object.metadata);
  if (!stated.success) throw new UsageError(`${place}: ${metadataProblem(stated.error.issues[0])}`);
  const { name, namespace: own = namespace, labels, annotations } = stated.data;
  const key = { namespace: own, name };
  const where = `${file}, Website ${keyText(key)}`;
  if (only !== undefined && own !== only)
    throw new UsageError(`${where}: metadata.namespace is ${own}, but --namespace is ${only}`);
  return {
    where,
    key,
    metadata: { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    spec: withoutNulls(object.spec),
  };
}

function metadataProblem(issue: z.core.$ZodIssue | undefined): string {
  const path = ['metadata', ...(issue?.path ?? [])].join('.');
  if (issue?.code === 'unrecognized_keys') return `${path}.${issue.keys[0]} is not a field of a Website`;
  return `${path}: ${issue?.message}`;
}

/** The API server drops fields that are null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => (part === null ? [] : [[name, withoutNulls(part)]])),
  );
}
