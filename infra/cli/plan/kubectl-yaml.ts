// Reads YAML as kubectl does, which knows scalars of YAML 1.1: `yes` is a boolean there, and 010 is 8.
import { parseAllDocuments, type Document, type ScalarTag } from 'yaml';

/** Source: the table in `resolve.go` of sigs.k8s.io/yaml/goyaml.v2. */
const TRUE = /^(?:y|Y|yes|Yes|YES|on|On|ON)$/;
const FALSE = /^(?:n|N|no|No|NO|off|Off|OFF)$/;
const INTEGER = /^([-+]?)(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]*|[1-9][0-9]*)$/;
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

const boolean = (test: RegExp, value: boolean): ScalarTag => ({
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test,
  resolve: () => value,
});

const number: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  test: /^[-+]?[0-9]/,
  resolve: numberOrText,
};

function numberOrText(text: string): number | string {
  const plain = text.replaceAll('_', '');
  const [, sign = '', digits] = INTEGER.exec(plain) ?? [];
  // A leading 0 means octal, as in Go.
  if (digits !== undefined) return Number(digits.replace(/^0(?=[0-7])/, '0o')) * (sign === '-' ? -1 : 1);
  return FLOAT.test(plain) ? Number(plain) : text;
}

/** The documents of a file. If a field occurs twice, the last one counts, as in kubectl. */
export const kubectlDocuments = (text: string): Document.Parsed[] =>
  parseAllDocuments(text, {
    merge: true,
    uniqueKeys: false,
    customTags: (tags) => [boolean(TRUE, true), boolean(FALSE, false), number, ...tags],
  });
