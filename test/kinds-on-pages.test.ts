// The pages that list the kinds of children list all of them.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { customResourceDefinition } from '../crds/generate.ts';
import { CHILD_KINDS, KINDS } from '../functions/website/children/kinds.ts';
import { codeIn, rowsUnder } from './website-page.ts';

const read = (page: string): string => readFileSync(page, 'utf8');

/** The part of a text from one phrase up to the next full stop. A text without the phrase has no such part. */
function sentenceFrom(phrase: string, text: string): string {
  const start = text.indexOf(phrase);
  return start === -1 ? '' : text.slice(start, text.indexOf('.', start));
}

it.each([
  ['SECURITY.md', 'They read and write'],
  ['SECURITY.md', "The forwarder's token reads"],
])('%s names every kind after "%s"', (page, phrase) => {
  const sentence = sentenceFrom(phrase, read(page));
  const names = (word: string) => sentence.toLowerCase().includes(word.toLowerCase());
  expect(KINDS.filter(({ kind, plural }) => !names(kind) && !names(plural))).toEqual([]);
});

it('The description of the CRD names every kind', () => {
  const [version] = customResourceDefinition().spec.versions;
  const { description } = version?.schema.openAPIV3Schema ?? { description: '' };
  expect(CHILD_KINDS.filter((kind) => !description.includes(kind))).toEqual([]);
});

it('docs/metrics.md names every kind as a value of the attribute kind', () => {
  const values = rowsUnder(read('docs/metrics.md'), 'attribute | values').find(
    ([name = '']) => codeIn(name) === 'kind',
  );
  expect([...(values?.[1] ?? '').matchAll(/`(\w+)`/g)].map(([, value]) => value)).toEqual(CHILD_KINDS);
});

it('docs/uninstall.md lists every kind whose API each cluster has', () => {
  const [, listed = ''] = /^kubectl get (\S+) --all-namespaces -l/m.exec(read('docs/uninstall.md')) ?? [];
  const everywhere = KINDS.filter(({ optionalApi }) => optionalApi === undefined);
  expect(listed.split(',')).toEqual(everywhere.map(({ plural }) => plural));
});
