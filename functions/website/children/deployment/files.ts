// The files of a Website: a volume of the Pod and a mount of the container for each.
import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { digest } from '../../digest.ts';
import { isSameAmount } from './quantity.ts';
import type { WebsiteSpec } from '../../resource.ts';
import { FILE_SOURCES } from '../../schema/file-sources.ts';
import type { Json } from '../kind.ts';
import { laidOver } from './laid.ts';
import { present } from './present.ts';
import { pullPolicy } from './pull-policy.ts';

type File = NonNullable<WebsiteSpec['files']>[number];
type Volume = Json<V1Volume>;
type Mount = Json<V1VolumeMount>;

/** The volumes that a spec stated, by name, each with the fields of its source. Undefined if that is unknown. */
export type StatedFiles = Readonly<Record<string, readonly string[]>> | undefined;

const PREFIX = 'files';
const LONGEST_NAME = 40;

/** Such as `files-usr-share-nginx-html-1c2d3e4f`. The digest tells `/a/b` and `/a-b` apart. */
export function volumeName(path: string): string {
  const words = path.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const readable = words.join('-').slice(0, LONGEST_NAME).replace(/-$/, '');
  return [PREFIX, readable, digest(path).slice(0, 8)].filter((part) => part !== '').join('-');
}

/** Spelled out as the API server stores it. */
function sourceOf({ configMap, secret, emptyDir, image }: File): Omit<Volume, 'name'> {
  if (configMap !== undefined) return { configMap: { ...present(configMap), defaultMode: READABLE } };
  if (secret !== undefined) {
    const { name, ...rest } = secret;
    return { secret: { secretName: name, ...present(rest), defaultMode: READABLE } };
  }
  if (image !== undefined) return { image: { pullPolicy: pullPolicy(image.reference), ...present(image) } };
  const { sizeLimit, medium } = emptyDir ?? {};
  return {
    emptyDir: {
      ...(medium === undefined ? {} : { medium }),
      ...(sizeLimit === undefined ? {} : { sizeLimit: String(sizeLimit) }),
    },
  };
}

/** rw-r--r--, the API server's default. */
const READABLE = 0o644;

interface Volumes {
  readonly volumes?: readonly Volume[];
}
interface Mounts {
  readonly volumeMounts?: readonly Mount[];
}

export const volumesOf = ({ files = [] }: WebsiteSpec): { volumes?: Volume[] } =>
  filled(
    'volumes',
    files.map((file) => ({ name: volumeName(file.path), ...sourceOf(file) })),
  );

export const mountsOf = ({ files = [] }: WebsiteSpec): { volumeMounts?: Mount[] } =>
  filled(
    'volumeMounts',
    files.map(({ path, emptyDir }) => ({
      name: volumeName(path),
      mountPath: path,
      ...(emptyDir === undefined ? { readOnly: true } : {}),
    })),
  );

/** A list under its name, or nothing if it is empty. */
const filled = <Name extends string, T>(name: Name, list: T[]): { [Key in Name]?: T[] } =>
  list.length === 0 ? {} : ({ [name]: list } as { [Key in Name]: T[] });

export const statedFiles = ({ files = [] }: WebsiteSpec): NonNullable<StatedFiles> =>
  Object.fromEntries(
    files.map(({ path, secret, configMap, emptyDir, image }) => {
      const fields = Object.keys(present(secret ?? configMap ?? emptyDir ?? image ?? {}));
      return [volumeName(path), secret === undefined ? fields : fields.map(nameInSecret)];
    }),
  );

const nameInSecret = (field: string): string => (field === 'name' ? 'secretName' : field);

/** Whether a volume or mount comes from the spec, or came from it when the Deployment was written. */
const isOurs =
  (want: readonly { readonly name: string }[], before: StatedFiles) =>
  ({ name }: { readonly name: string }): boolean =>
    want.some((each) => each.name === name) ||
    (before === undefined ? name.startsWith(`${PREFIX}-`) : Object.hasOwn(before, name));

/** Ours in the order of the spec. Those of other writers stay in their places. */
function merged<T extends { readonly name: string }>(
  have: readonly T[],
  want: readonly T[],
  isTaken: (item: T) => boolean,
): T[] {
  const found = have.filter(isTaken).map(({ name }) => name);
  if (found.join() === want.map(({ name }) => name).join()) {
    return have.map((each) => (isTaken(each) ? (want.find(({ name }) => name === each.name) ?? each) : each));
  }
  const place = have.findIndex(isTaken);
  const before = place === -1 ? have : have.slice(0, place);
  return [...before, ...want, ...have.slice(before.length).filter((each) => !isTaken(each))];
}

/** A source keeps the fields that no spec stated: an admission policy may have set them. */
export function mergedVolumes(
  { volumes: have = [] }: Volumes,
  { volumes: want = [] }: Volumes,
  now: StatedFiles,
  before: StatedFiles,
): { volumes?: Volume[] } {
  const laid = want.map((each) => {
    const theirs = have.find(({ name }) => name === each.name);
    return theirs === undefined ? each : mergedVolume(theirs, each, now?.[each.name], before?.[each.name]);
  });
  return filled('volumes', merged(have, laid, isOurs(want, before)));
}

function mergedVolume(have: Volume, want: Volume, now: readonly string[] = [], before: readonly string[] = []): Volume {
  const source = FILE_SOURCES.find((each) => want[each] !== undefined);
  if (source === undefined || have[source] === undefined) return want;
  const [theirs, ours] = [have[source], want[source]] as Record<string, unknown>[];
  if (theirs === undefined || ours === undefined) return want;
  const laid = laidOver(theirs, ours, [...now, ...before], { now: new Set(now), before: new Set(before) });
  return { name: want.name, [source]: { ...laid, ...storedLimit(theirs, ours), ...changedPolicy(theirs, ours) } };
}

type Source = Readonly<Record<string, unknown>>;

/** An equal amount stays as it is stored: the API server has its own notation. */
const storedLimit = ({ sizeLimit: theirs }: Source, { sizeLimit: ours }: Source): Source =>
  typeof theirs === 'string' && typeof ours === 'string' && isSameAmount(theirs, ours) ? { sizeLimit: theirs } : {};

/** A pull policy that no spec states changes only with the default for the artifact. */
const changedPolicy = ({ reference }: Source, { pullPolicy: ours }: Source): Source =>
  typeof reference === 'string' && ours !== pullPolicy(reference) ? { pullPolicy: ours } : {};

/** The spec determines a mount as a whole. No other mount may have its path. */
export function mergedMounts(
  { volumeMounts: have = [] }: Mounts,
  { volumeMounts: want = [] }: Mounts,
  before: StatedFiles,
): { volumeMounts?: Mount[] } {
  const isKnown = isOurs(want, before);
  const paths = new Set(want.map(({ mountPath }) => mountPath));
  const isTaken = (each: Mount) => isKnown(each) || paths.has(each.mountPath);
  return filled('volumeMounts', merged(have, want, isTaken));
}

const UNKNOWN_IMAGES =
  'Probably this Kubernetes cluster does not support image volumes (files[].image): they need Kubernetes 1.36, or the feature gate ImageVolume';

/**
 * An API server before 1.31 stores an image volume as an emptyDir, because it drops the field that it does not know. A later one with
 * the feature gate off refuses the volume, because it has no source.
 * @param problem paths of fields that did not last, or the API server's message
 */
export const imageVolumeHint = ({ volumes = [] }: Volumes, problem: string): string | undefined =>
  volumes.some(({ image }, index) => image !== undefined && isDropped(index, problem)) ? UNKNOWN_IMAGES : undefined;

function isDropped(index: number, problem: string): boolean {
  const path = `spec.template.spec.volumes[${index}]`;
  const isLost = problem.split(', ').includes(`${path}.image`);
  return isLost || problem.includes(`${path}: Required value: must specify a volume type`);
}
