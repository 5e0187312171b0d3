// The workflows' permissions, and whether the documentation agrees with the published files. actionlint checks their form (ci.yml).
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

interface Step {
  readonly uses?: string;
  readonly run?: string;
}
interface Job {
  readonly needs?: string | readonly string[];
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly permissions?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const FOLDER = '.github/workflows';
const texts = new Map(readdirSync(FOLDER).map((file) => [file, readFileSync(`${FOLDER}/${file}`, 'utf8')]));
const workflows = [...texts].map(([file, text]) => [file, parse(text) as Workflow] as const);
const release = parse(texts.get('release.yml') ?? '') as Workflow;
const jobs = workflows.flatMap(([file, { jobs: each }]) =>
  Object.entries(each).map(([name, job]) => [`${file} ${name}`, job] as const),
);
const scriptsOf = ({ steps }: Job): string[] => steps.flatMap(({ run }) => run ?? []);

it.each(workflows)('%s grants no permission by default', (_, { permissions }) => {
  expect(permissions).toEqual({});
});

it('Every action is pinned by its commit with the version beside it, and has the same pin everywhere', () => {
  const pins = new Map<string, Set<string>>();
  for (const [file, text] of texts)
    for (const [, line = ''] of text.matchAll(/uses: (.*)$/gm)) {
      const [, action = '', pin = ''] = /^([\w-]+\/[\w-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$/.exec(line) ?? [];
      expect([file, line]).toEqual([file, `${action}@${pin}`]);
      pins.set(action, (pins.get(action) ?? new Set()).add(pin));
    }
  expect(pins.size).toBeGreaterThan(5);
  expect([...pins].filter(([, each]) => each.size > 1)).toEqual([]);
});

describe.each(jobs)('%s', (_, job) => {
  it('has scripts that bash can parse', () => {
    for (const script of scriptsOf(job))
      expect(() => execFileSync('bash', ['-n'], { input: script, stdio: ['pipe', 'ignore', 'pipe'] })).not.toThrow();
  });

  it('passes expressions to scripts as variables, never as text', () => {
    expect(scriptsOf(job).filter((script) => script.includes('${{'))).toEqual([]);
  });

  it('has an identity only if it runs no code of the repository or of a package', () => {
    if (job.permissions?.['id-token'] === undefined) return;
    expect(job.permissions['contents']).toBeUndefined();
    const actions = job.steps.map(({ uses = '' }) => uses.split('@')[0]);
    expect(actions).not.toContain('actions/checkout');
    expect(actions).not.toContain('docker/build-push-action');
    for (const script of scriptsOf(job)) expect(script).not.toMatch(/\b(npm|npx|node|make)\b/);
  });
});

it('Only the job sign of the release has an identity, and only the job publish may write to the repository', () => {
  const having = (permission: string) =>
    Object.entries(release.jobs)
      .filter(([, { permissions }]) => permissions?.[permission] === 'write')
      .map(([name]) => name);
  expect(having('id-token')).toEqual(['sign']);
  expect(having('contents')).toEqual(['publish']);
});

describe('docs/deploy/images.md', () => {
  const page = readFileSync('docs/deploy/images.md', 'utf8');
  const text = texts.get('release.yml') ?? '';

  it('shows how to verify the identity that signs', () => {
    expect(page).toContain('/.github/workflows/release.yml@refs/tags/$VERSION');
    const signed = scriptsOf(release.jobs['sign'] ?? { steps: [] }).join('\n');
    for (const name of ['website-forwarder', 'website-functions', 'charts/website-reconciler']) {
      expect(signed).toMatch(new RegExp(`cosign sign --yes "\\$REGISTRY/${name}@\\$[A-Z]+"`));
      expect(page).toContain(`"ghcr.io/$OWNER/${name}:`);
    }
    expect(signed).toContain('cosign attest --yes --type spdxjson');
    expect(page).toContain('cosign verify-attestation "${signed_by[@]}" --type spdxjson');
  });

  it('names only files that a release has', () => {
    const sources = text + readFileSync('infra/kubernetes/release.ts', 'utf8');
    const rows = [...page.matchAll(/^\| `([\w.-]+\.(?:yaml|tar\.gz|zip|json))` \|/gm)].map(([, file = '']) => file);
    expect(rows.length).toBeGreaterThan(4);
    expect(rows.filter((file) => !sources.includes(file))).toEqual([]);
  });
});
