/** The one set-up of Ajv: strict for JSON, coercing for what arrives as text (path, query, environment). */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Static, TSchema } from 'typebox';
import { isEmoji } from './emoji.ts';
import { AppError } from './errors.ts';
import { isTime } from './time.ts';

/** `json` is taken literally; `text` is turned into the numbers and booleans its schema asks for. */
export type Encoding = 'json' | 'text';

/** One field that is not as its schema says. `field` is a JSON pointer (RFC 6901) without its leading slash. */
export interface FieldProblem {
  field: string;
  problem: string;
}

const maximumProblems = 20;

/** Longer runs take normalisation quadratic time; no language has them (UAX #15, section 13, stream-safe text). */
const tooManyMarks = /\p{M}{31}/u;

function createAjv(encoding: Encoding): Ajv2020 {
  const ajv = new Ajv2020({
    allErrors: true,
    useDefaults: true,
    removeAdditional: false,
    coerceTypes: encoding === 'text',
    addUsedSchema: false,
    verbose: true,
    strict: true,
    strictRequired: false,
    // A test does that: with the check of the schemas themselves every start would take a fifth of a second longer.
    meta: false,
    validateSchema: false,
  });
  addFormats.default(ajv, ['email', 'uri']);
  ajv.addFormat('date-time', isTime);
  ajv.addFormat('emoji', isEmoji);
  // Before the length is measured: NFC can make a text shorter, and in rare scripts longer.
  ajv.addKeyword({
    keyword: 'x-normalize',
    type: 'string',
    schemaType: 'string',
    modifying: true,
    before: 'maxLength',
    error: { message: 'must not have more than 30 combining marks in a row' },
    validate: (form: string, text: string, _parent: unknown, where?: { parentData?: Record<string, unknown>; parentDataProperty: string | number }) => {
      if (tooManyMarks.test(text)) return false;
      // A text that stands alone has nothing it could be replaced in.
      if (where?.parentData) where.parentData[where.parentDataProperty] = text.normalize(form);
      return true;
    },
  });
  ajv.addKeyword({ keyword: 'x-form', schemaType: 'string' });
  ajv.addKeyword({
    keyword: 'x-maxBytes',
    type: 'string',
    schemaType: 'number',
    validate: (limit: number, text: string) => Buffer.byteLength(text) <= limit,
    error: { message: ({ schema }) => `must have at most ${String(schema)} bytes` },
  });
  return ajv;
}

const ajv: Record<Encoding, Ajv2020> = { json: createAjv('json'), text: createAjv('text') };
const compiled: Record<Encoding, WeakMap<object, Check>> = { json: new WeakMap(), text: new WeakMap() };

/** True if the value fits; `errors` are those of the last call. */
export interface Check {
  (value: unknown): boolean;
  errors?: ErrorObject[] | null;
}

/** The compiled check of a schema, made once per schema object. It fills defaults into, and normalises, the value itself. */
export function validatorOf(schema: object, encoding: Encoding): Check {
  const known = compiled[encoding].get(schema);
  if (known) return known;
  const made: Check = ajv[encoding].compile(schema);
  const check = encoding === 'text' ? checkedTwice(made, validatorOf(schema, 'json')) : made;
  compiled[encoding].set(schema, check);
  return check;
}

/** Ajv turns the text "1e999" into Infinity and measures it no further; so what was made of a text is checked as JSON once more. */
function checkedTwice(coerce: Check, literal: Check): Check {
  const check: Check = (value) => {
    const passes = coerce(value) && literal(value);
    check.errors = coerce.errors ?? literal.errors ?? null;
    return passes;
  };
  return check;
}

/** What a caller gets whose field no schema can find wrong. */
export const toFieldError = (field: string, problem: string): AppError => new AppError('VALIDATION_FAILED', { fields: [{ field, problem }] satisfies FieldProblem[] });

/** Ajv's findings as the fields and sentences the caller gets. */
export function toFieldProblems(errors: readonly ErrorObject[]): FieldProblem[] {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf');
  const whole = errors.filter((error) => !unions.some((union) => isOfBranch(error, union)));
  return whole.slice(0, maximumProblems).map((error) => {
    const params = error.params as { additionalProperty?: string; missingProperty?: string };
    const name = params.additionalProperty ?? params.missingProperty;
    const field = [error.instancePath.slice(1), name].filter(Boolean).join('/');
    if (params.additionalProperty !== undefined) return { field, problem: 'is not a field of this request' };
    if (params.missingProperty !== undefined) return { field, problem: 'is required' };
    return { field, problem: error.keyword === 'anyOf' ? eitherOf(errors, error) : problemOf(error) };
  });
}

/** True of what one of the schemas has found wrong of which any would do. */
const isOfBranch = ({ schemaPath, instancePath }: ErrorObject, union: ErrorObject): boolean => schemaPath.startsWith(`${union.schemaPath}/`) && instancePath.startsWith(union.instancePath);

/** What is asked for: the one or the other. */
function eitherOf(errors: readonly ErrorObject[], union: ErrorObject): string {
  const branches = (union.schema as unknown[]).flatMap((_, index) => errors.find((error) => isOfBranch(error, union) && error.schemaPath.startsWith(`${union.schemaPath}/${index}/`)) ?? []);
  return branches.map((error, index) => (index === 0 ? problemOf(error) : problemOf(error).replace(/^must be /, ''))).join(' or ');
}

function problemOf(error: ErrorObject): string {
  const { 'x-form': form } = error.parentSchema as { 'x-form'?: string };
  if (form !== undefined && ['pattern', 'format'].includes(error.keyword)) return `must be ${form}`;
  if (error.keyword === 'enum') return `must be one of ${(error.params as { allowedValues: unknown[] }).allowedValues.join(', ')}`;
  if (error.keyword === 'const') return `must be ${String((error.params as { allowedValue: unknown }).allowedValue)}`;
  return error.message ?? 'is not as expected';
}

/**
 * The value itself, checked and typed, with defaults filled in.
 * @throws AppError VALIDATION_FAILED with the list of fields
 */
export function validate<T extends TSchema>(schema: T, value: unknown, encoding: Encoding = 'json'): Static<T> {
  const check = validatorOf(schema, encoding);
  if (check(value)) return value as Static<T>;
  throw new AppError('VALIDATION_FAILED', { fields: toFieldProblems(check.errors ?? []) });
}
