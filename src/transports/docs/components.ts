/** Schemas with a title become named components: each is written once in a document and referred to elsewhere. */

export type JsonSchema = Record<string, unknown>;

export interface Components {
  /** The schema with every titled part replaced by a reference. */
  refer(schema: object): JsonSchema;
  /** The titled schemas met so far, by title. */
  schemas: Record<string, JsonSchema>;
}

/** The schema of an input as its sender sees it: what has a default need not be given. */
export function asGiven(schema: { properties: Record<string, object>; required?: readonly string[] }): JsonSchema & { required: string[] } {
  const hasDefault = (name: string): boolean => 'default' in (schema.properties[name] ?? {});
  return { ...schema, required: (schema.required ?? []).filter((name) => !hasDefault(name)) };
}

export function createComponents(): Components {
  const schemas: Record<string, JsonSchema> = {};

  const refer = (schema: object): JsonSchema => {
    const { title } = schema as { title?: unknown };
    // A field may be called "title" as well; then it is a schema.
    if (typeof title !== 'string') return replaceParts(schema);
    if (!(title in schemas)) {
      schemas[title] = {};
      schemas[title] = replaceParts(schema);
    }
    return { $ref: `#/components/schemas/${title}` };
  };

  const replaceParts = (schema: object): JsonSchema => Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, replace(value)]));

  const replace = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(replace);
    return typeof value === 'object' && value !== null ? refer(value) : value;
  };

  return { refer, schemas };
}
