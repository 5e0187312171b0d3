// Bicep files as a syntax tree. The compiler is not to be had from a package registry; the grammar is.
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Language, Parser, type Node } from 'web-tree-sitter';

export interface Declared {
  readonly name: string;
  readonly description: string | undefined;
}

export interface BicepFile {
  /** Pieces that the grammar does not know: line and text. */
  readonly errors: readonly string[];
  readonly params: readonly (Declared & { readonly isRequired: boolean })[];
  readonly outputs: readonly (Declared & { readonly value: string })[];
  /** What else has a name here: variables, resources, modules. */
  readonly symbols: readonly string[];
  readonly modules: readonly { readonly name: string; readonly file: string; readonly given: readonly string[] }[];
  /** Names that values are taken from, and the outputs that are asked of modules as `module.output`. */
  readonly used: readonly string[];
  readonly outputsUsed: readonly string[];
}

await Parser.init();
const parser = new Parser();
parser.setLanguage(
  await Language.load(createRequire(import.meta.url).resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')),
);

/** All Bicep files of a folder, by name. */
export const bicepFilesIn = (folder: string): Map<string, BicepFile> =>
  new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.bicep'))
      .map((name) => [name, bicepFile(readFileSync(join(folder, name), 'utf8'))]),
  );

export function bicepFile(text: string): BicepFile {
  const tree = parser.parse(text);
  if (tree === null) throw new Error('The parser gave up');
  const nodes = [...walk(tree.rootNode)];
  const ofType = (type: string) => nodes.filter((node) => node.type === type);
  const params = ofType('parameter_declaration');
  const modules = ofType('module_declaration');
  const named = ['variable_declaration', 'resource_declaration', 'module_declaration'].flatMap(ofType);
  return {
    errors: nodes
      .filter((node) => node.isError || node.isMissing)
      .map(({ startPosition, text: piece }) => `line ${startPosition.row + 1}: ${piece.slice(0, 60)}`),
    params: params.map((node) => ({ ...declared(node), isRequired: !/=/.test(node.text.split('\n', 1)[0] ?? '') })),
    outputs: ofType('output_declaration').map((node) => ({ ...declared(node), value: node.text })),
    symbols: named.map(nameOf),
    modules: modules.map((node) => ({
      name: nameOf(node),
      file: /'([^']+\.bicep)'/.exec(node.text)?.[1] ?? '',
      given: propertiesOf(propertiesOf(childObject(node)).find(([key]) => key === 'params')?.[1]).map(([key]) => key),
    })),
    used: nodes.filter(isReference).map(({ text: name }) => name),
    outputsUsed: [...text.matchAll(/(\w+)!?\.outputs\.(\w+)/g)].map(([, module, output]) => `${module}.${output}`),
  };
}

function* walk(node: Node): Generator<Node> {
  yield node;
  for (const child of node.children) if (child !== null) yield* walk(child);
}

const nameOf = (node: Node): string => node.children.find((child) => child?.type === 'identifier')?.text ?? '';

function declared(node: Node): Declared {
  const before = node.previousNamedSibling;
  const [, description] =
    /@description\('((?:[^'\\]|\\.)*)'\)/.exec(before?.type === 'decorators' ? before.text : '') ?? [];
  return { name: nameOf(node), description };
}

const childObject = (node: Node): Node | undefined => [...walk(node)].find(({ type }) => type === 'object');

function propertiesOf(object: Node | undefined): [string, Node | undefined][] {
  const properties = object?.children.filter((child) => child?.type === 'object_property') ?? [];
  return properties.map((property) => [property?.firstNamedChild?.text ?? '', property?.lastNamedChild ?? undefined]);
}

/** An identifier that stands for a value: no declaration's name, no property's key, no function. */
function isReference(node: Node): boolean {
  const { parent } = node;
  if (node.type !== 'identifier' || parent === null) return false;
  if (parent.type === 'object_property') return !parent.firstNamedChild?.equals(node);
  if (parent.type === 'call_expression') return !parent.childForFieldName('function')?.equals(node);
  return (
    !parent.type.endsWith('_declaration') ||
    !parent.children.find((child) => child?.type === 'identifier')?.equals(node)
  );
}
