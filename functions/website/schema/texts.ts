import * as z from 'zod';
import { QUANTITY, type Grammar } from './grammar.ts';

/**
 * A string of this grammar, with an error message that names the mistake. The CRD states the rule as CEL, because the API server's
 * message for a failed `pattern` only quotes the pattern.
 */
export const matching = (grammar: Grammar) =>
  z
    .string()
    .min(1)
    .max(grammar.longest)
    .regex(grammar.pattern, { error: ({ input }) => wrongWith(grammar, String(input)) })
    .meta({ 'x-kubernetes-validations': [ruleOf(grammar)] });

const wrongWith = ({ mistakes, message }: Grammar, text: string): string =>
  mistakes.find(([pattern]) => pattern.test(text))?.[1] ?? message;

/** The same rule in CEL. An API server older than 1.27 ignores `messageExpression` and uses `message`. */
function ruleOf({ pattern, mistakes, message }: Grammar) {
  const branches = mistakes.map(([mistake, said]) => `${matches(mistake)} ? ${JSON.stringify(said)} : `);
  const messageExpression = `${branches.join('')}${JSON.stringify(message)}`;
  return { rule: matches(pattern), message, ...(mistakes.length === 0 ? {} : { messageExpression }) };
}

const matches = ({ source }: RegExp): string => `self.matches(r'${source}')`;

/** Counts code points, as the API server does, both in `maxLength` and in CEL's `size`. `length` counts UTF-16 code units. */
export const charactersIn = (text: string): number =>
  text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);

/** Any text of at most so many characters. */
export const shortText = (longest: number) =>
  z
    .string()
    .refine((text) => charactersIn(text) <= longest, `must have at most ${longest} characters`)
    .meta({ maxLength: longest });

const { pattern: AMOUNT, longest, message } = QUANTITY;

/** An amount of processor time or memory: a number, or a text with a unit. */
export const quantity = z
  .union([z.int(message).min(0, message), z.string().max(longest).regex(AMOUNT, message)], message)
  .meta({
    'x-kubernetes-int-or-string': true,
    maxLength: longest,
    'x-kubernetes-validations': [{ rule: `type(self) == int ? self >= 0 : ${matches(AMOUNT)}`, message }],
  });
