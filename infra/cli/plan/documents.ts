// The documents of a file that somebody wrote. Whatever is wrong with it, the message names the file.
import { isCollection, visit, type Document } from 'yaml';
import { messageOf } from '../../../functions/cluster/causes.ts';
import { fileText } from '../../../functions/cluster/credentials/file-text.ts';
import { isUtf16 } from '../../../functions/cluster/utf-16.ts';
import { unreadable } from '../../../functions/cluster/without-secrets.ts';
import { UsageError } from '../../usage.ts';
import { kubectlDocuments } from './kubectl-yaml.ts';

/** A manifest that somebody wrote is far smaller. */
const LARGEST_BYTES = 16 * 1024 * 1024;
const STDIN = 0;

/** What messages call the file. */
export const inputName = (file: string): string => (file === '-' ? 'The standard input' : file);

/** @throws UsageError if the file cannot be read, or is not YAML that can be written as JSON. */
export function documentsIn(file: string): unknown[] {
  const documents = kubectlDocuments(textOf(file));
  const broken = documents.flatMap(({ errors }) => errors)[0];
  if (broken?.code === 'RESOURCE_EXHAUSTION') throw unusable(file, TOO_DEEP);
  if (broken !== undefined) throw new UsageError(`${inputName(file)} is not YAML: ${broken.message}`);
  const problem = documents.map(shapeProblem).find((each) => each !== undefined);
  if (problem !== undefined) throw unusable(file, problem);
  try {
    return documents.map((document): unknown => document.toJS({ maxAliasCount: 100 }));
  } catch (error) {
    // A few aliases of aliases can stand for gigabytes.
    throw unusable(file, messageOf(error));
  }
}

function textOf(file: string): string {
  const text = read(file);
  if (isUtf16(text)) throw unusable(file, 'it is UTF-16: save it as UTF-8');
  // A decoder writes this character for bytes that are not UTF-8.
  if (text.includes('\ufffd')) throw unusable(file, 'it has characters that are not UTF-8: save it as UTF-8');
  return text;
}

function read(file: string): string {
  try {
    return fileText(file === '-' ? STDIN : file, LARGEST_BYTES);
  } catch (error) {
    throw new UsageError(`Could not read ${unreadable(file === '-' ? 'the standard input' : file, error)}`);
  }
}

const unusable = (file: string, why: string): UsageError =>
  new UsageError(`${inputName(file)} cannot be read as YAML: ${why}`);

/** No object of Kubernetes is nested as deeply, and a plan goes through each level. */
const MOST_LEVELS = 200;
const TOO_DEEP = 'it is nested too deeply';

/** Why a plan could not go through the document. An alias may stand for what contains it, which has no end. */
function shapeProblem(document: Document.Parsed): string | undefined {
  let problem: string | undefined;
  visit(document, {
    Collection(_, __, path) {
      // A level of a mapping is two nodes: the mapping and a pair.
      if (path.length <= 2 * MOST_LEVELS) return undefined;
      problem = TOO_DEEP;
      return visit.BREAK;
    },
    Alias(_, alias, path) {
      const isOf = (each: unknown) => isCollection(each) && each.anchor === alias.source;
      if (!path.some((each) => isOf(each) && each === alias.resolve(document))) return undefined;
      problem = `the anchor ${alias.source} contains itself`;
      return visit.BREAK;
    },
  });
  return problem;
}
