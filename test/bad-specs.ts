export const spec = { image: 'nginx:1.29', replicas: 1 };

/** What the API server says of one bad value: the whole sentence, and no second one beside it. */
export const refusal = (path: string, message: string): RegExp =>
  new RegExp(`spec\\.${escaped(path)}: Invalid value: (?:.*: )?${escaped(message)}$`, 's');

const escaped = (text: string) => text.replace(/[[\]().*+?/]/g, String.raw`\$&`);

/** A Website whose field at the path has the value, and what that field needs beside it. */
export function specWith(path: string, value: unknown): object {
  const names = path.split(/[.[\]]+/).filter((name) => name !== '');
  const field = names.reduceRight<unknown>((inner, name, index) => {
    if (name === '0') return [inner];
    return { ...BESIDE[names.slice(0, index + 1).join('.')], [name]: inner };
  }, value);
  return { ...spec, ...(path === 'image' ? {} : { host: 'shop.example.com' }), ...(field as object) };
}

/** What has to stand beside a field, by its path. */
const BESIDE: Readonly<Record<string, object>> = {
  'gateway.namespace': { name: 'public' },
  'gateway.sectionName': { name: 'public' },
  'env.0.valueFrom': { name: 'A' },
  'env.0.valueFrom.secretKeyRef.name': { key: 'a' },
  'env.0.valueFrom.configMapKeyRef.name': { key: 'a' },
  'env.0.valueFrom.secretKeyRef.key': { name: 'a' },
  'envFrom.0.prefix': { secretRef: { name: 'a' } },
};
