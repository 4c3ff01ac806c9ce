/** Inputs made from the schemas of the contract: what an operation takes, field by field. */
import assert from 'node:assert/strict';
import { Type, type TObject, type TSchema } from 'typebox';
import { validatorOf } from '../../src/core/validate.ts';

/** Texts that between them fit every field of the contract. */
const texts = ['0123456789abcdef01234567', '01890a5d-ac96-774b-bcce-b302099a8057', 'ann@example.org', 'correct horse battery', 'cookie'];

const candidates: unknown[] = [...texts, 1, true, {}, [], null];

/** A value that the schema accepts. */
export function sampleOf(schema: TSchema): unknown {
  const check = validatorOf(Type.Object({ value: schema }), 'json');
  const listed = 'enum' in schema ? (schema.enum as unknown[]) : [];
  const found = [...listed, ...candidates].find((value) => check({ value }));
  assert.notEqual(found, undefined, `no sample fits ${JSON.stringify(schema)}`);
  return found;
}

export interface Field {
  name: string;
  schema: TSchema;
}

/** The fields of an input, each with its schema. */
export const fieldsOf = (input: TObject): Field[] => Object.entries<TSchema>(input.properties).map(([name, schema]) => ({ name, schema }));

export const isText = ({ schema }: Field): boolean => typeof sampleOf(schema) === 'string';

/** The required fields with a sample each, and the named one with the value given. */
export function inputWith(input: TObject, name: string, value: unknown): Record<string, unknown> {
  const required = new Set(input.required);
  const filled = fieldsOf(input).filter((field) => required.has(field.name)).map((field): [string, unknown] => [field.name, sampleOf(field.schema)]);
  return { ...Object.fromEntries(filled), [name]: value };
}
