/** Inputs made from the schemas of the contract: what an operation takes, field by field. */
import assert from 'node:assert/strict';
import { Type, type TObject, type TSchema } from 'typebox';
import { validatorOf } from '../../src/core/validate.ts';

/** Texts that between them fit every field of the contract. */
const texts = ['0123456789abcdef01234567', '01890a5d-ac96-774b-bcce-b302099a8057', 'ann@example.org', 'correct horse battery', 'cookie', '2030-01-01T00:00:00.000Z', '👍', '0123456789abcdef0123456789abcdef-640'];

const candidates: unknown[] = [...texts, 1, true, {}, [], texts.slice(0, 1), null];

/** Found once for each schema: to find one, a check is compiled. */
const samples = new WeakMap<TSchema, unknown>();

/** A value that the schema accepts. */
export function sampleOf(schema: TSchema): unknown {
  if (!samples.has(schema)) samples.set(schema, findSample(schema));
  return samples.get(schema);
}

function findSample(schema: TSchema): unknown {
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

export const isText = ({ schema }: Field): boolean => typeof sampleOf(schema) === 'string' && !('contentMediaType' in schema);

/** Null takes the value of such a field away. */
export const takesNull = ({ schema }: Field): boolean => validatorOf(Type.Object({ value: schema }), 'json')({ value: null });

/** The name by which a refusal of this value tells the field: what is in an object is told by its own name. */
export function refusedField({ name, schema }: Field, value: object): string {
  if (isList({ name, schema })) return Array.isArray(value) && value.length > 0 ? `${name}/0` : name;
  const [key] = isObject({ name, schema }) && !Array.isArray(value) ? Object.keys(value) : [];
  return key === undefined ? name : `${name}/${key}`;
}

export const isObject = ({ schema }: Field): boolean => 'type' in schema && schema.type === 'object';

const isList = ({ schema }: Field): boolean => 'type' in schema && schema.type === 'array';

/** True of what has a form of its own, so that not every text fits it. */
export const isFormed = ({ schema }: Field): boolean => !('type' in schema && schema.type === 'string') || 'pattern' in schema;

/** What a query of MongoDB would take for something other than a value. */
export const operators: object[] = [{ $gt: '' }, { $ne: null }, { $regex: '.*' }, { $where: '1' }, { $in: ['x'] }, { $expr: true }, { toString: 1 }];
export const hostileValues: object[] = [...operators, ...operators.map((operator) => [operator]), operators, ['$gt', ''], [[]]];

/** What is stored of people, or reaches an object itself; no operation takes any of it. */
const foreignKeys = ['role', 'number', 'googleId', 'passwordHash', 'emailVerifiedAt', '_id', 'secondFactor', 'removedAt', 'removal', 'words', 'createdAt', 'userId2', '$set', '$where', 'privacy.search', '__proto__', 'constructor', 'prototype', 'toString'];
export const keysForeignTo = (input: TObject): string[] => foreignKeys.filter((key) => !Object.hasOwn(input.properties, key));

/** The required fields with a sample each, and the named one with the value given. */
export function inputWith(input: TObject, name: string, value: unknown): Record<string, unknown> {
  const required = new Set(input.required);
  const filled = fieldsOf(input).filter((field) => required.has(field.name)).map((field): [string, unknown] => [field.name, sampleOf(field.schema)]);
  return { ...Object.fromEntries(filled), [name]: value };
}
