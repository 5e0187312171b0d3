import * as z from 'zod';
import { LABEL_KEY, LABEL_VALUE } from '../../../functions/website/schema/grammar.ts';
import {
  API_VERSION,
  KIND,
  keyText,
  websiteKey,
  type Website,
  type WebsiteKey,
} from '../../../functions/website/resource.ts';
import { UsageError } from '../../usage.ts';
import { documentsIn, inputName } from './documents.ts';

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

/** Which file a command reads, and in which namespace its Websites are. */
interface From {
  /** A path, or `-` for standard input. */
  readonly file: string;
  /** For Websites without one. */
  readonly namespace: string;
  /** The flag `--namespace`. Every Website of the file must be there. */
  readonly only: string | undefined;
}

/**
 * The Websites in a file of YAML or JSON documents, or in a List of them. Other kinds are skipped. If a Website occurs more than once,
 * the last one counts, as in kubectl.
 * @throws UsageError if the file cannot be read, has no Website, or has one that kubectl would not send.
 */
export function manifestsIn(from: From): Manifests {
  const file = inputName(from.file);
  const objects = documentsIn(from.file).flatMap(itemsOf);
  const websites = objects.filter(({ kind, apiVersion }) => kind === KIND && apiVersion === API_VERSION);
  if (websites.length === 0) throw new UsageError(`${file} has no Website (apiVersion: ${API_VERSION}, kind: ${KIND})`);
  const manifests = websites.map((object, index) => manifestOf(object, index, { ...from, file }));
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

/** `kubectl get websites -o yaml` prints a List. */
function itemsOf(document: unknown): Stated[] {
  if (typeof document !== 'object' || document === null) return [];
  const stated = document as Stated;
  const isList = stated.kind === 'List' || stated.kind === `${KIND}List`;
  if (!isList || !Array.isArray(stated.items)) return [stated];
  return stated.items.filter((item): item is Stated => typeof item === 'object' && item !== null);
}

const FIELDS: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);

/** Source: ValidateAnnotationsSize in k8s.io/apimachinery/pkg/api/validation. */
const LARGEST_ANNOTATIONS = 262_144;

const isKey = (key: string): boolean => key.indexOf('/') <= LONGEST_PREFIX && LABEL_KEY.pattern.test(key);
const LONGEST_PREFIX = 253;
const labelKey = z.string().refine(isKey, LABEL_KEY.message);
const annotationKey = z
  .string()
  .refine((key) => isKey(key.toLowerCase()), 'must be the key of an annotation such as example.com/team');
const labelValue = z.string().refine((text) => text.length <= 63 && LABEL_VALUE.test(text), {
  error: 'must be the value of a label: at most 63 letters, digits, _, - and .',
});
const sizeOf = (texts: object) =>
  Object.entries(texts).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);

const labels = z.record(labelKey, labelValue).nullish();
const annotations = z
  .record(annotationKey, z.string())
  .refine((texts) => sizeOf(texts) <= LARGEST_ANNOTATIONS, `must have at most ${LARGEST_ANNOTATIONS} bytes in total`)
  .nullish();

/** `ObjectMeta` of the API. A plan ignores these fields. */
const OTHERS =
  'generateName selfLink uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds ownerReferences finalizers managedFields';

const metadata = z.strictObject({
  ...websiteKey.partial({ namespace: true }).shape,
  labels,
  annotations,
  ...Object.fromEntries(OTHERS.split(' ').map((name) => [name, z.unknown().optional()])),
});

function manifestOf(object: Stated, index: number, { file, namespace, only }: From): Manifest {
  const place = `${file}, Website ${index + 1}`;
  const unknown = Object.keys(object).find((name) => !FIELDS.has(name));
  if (unknown !== undefined) throw new UsageError(`${place}: ${unknown} is not a field of a Website`);
  const stated = metadata.safeParse(object.metadata);
  if (!stated.success)
    throw new UsageError(`${place}: ${missingName(object.metadata) ?? metadataProblem(stated.error.issues[0])}`);
  const { name, namespace: own = namespace, ...texts } = stated.data;
  const key = { namespace: own, name };
  const where = `${file}, Website ${keyText(key)}`;
  if (only !== undefined && own !== only)
    throw new UsageError(`${where}: metadata.namespace is ${own}, but --namespace is ${only}`);
  return {
    where,
    key,
    metadata: {
      ...(texts.labels ? { labels: texts.labels } : {}),
      ...(texts.annotations ? { annotations: texts.annotations } : {}),
    },
    spec: withoutNulls(object.spec),
  };
}

function missingName(stated: unknown): string | undefined {
  if (typeof stated !== 'object' || stated === null || 'name' in stated) return undefined;
  const missing = 'metadata.name is missing';
  return 'generateName' in stated ? `${missing}: a plan needs it, and does not use generateName` : missing;
}

function metadataProblem(issue: z.core.$ZodIssue | undefined): string {
  const path = ['metadata', ...(issue?.path ?? [])].join('.');
  if (issue?.code === 'unrecognized_keys') return `${path}.${issue.keys[0]} is not a field of a Website`;
  const message = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message;
  return `${path}: ${message}`;
}

/** The API server drops fields that are null. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => (part === null ? [] : [[name, withoutNulls(part)]])),
  );
}
