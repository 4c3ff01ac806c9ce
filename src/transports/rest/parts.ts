/** Where the fields of an operation's input travel in a request: in the path, the query or the body. */
import type { TSchema } from 'typebox';
import { requireOperation } from '../../contracts.ts';
import type { Route } from './routes.ts';

export interface InputParts {
  params: ObjectSchema;
  querystring?: ObjectSchema;
  body?: ObjectSchema;
}

export interface ObjectSchema {
  type: 'object';
  properties: Record<string, TSchema>;
  required: string[];
  additionalProperties: false;
}

/** The media type of a piece of a file. */
export const pieceType = 'application/offset+octet-stream';

const cut = new WeakMap<Route, InputParts>();

/** The input of a route's operation, cut by the names in the path. The same objects each time, for which checks are made once. */
export function partsOf(route: Route): InputParts {
  const known = cut.get(route);
  if (known) return known;
  const parts = cutInput(route);
  cut.set(route, parts);
  return parts;
}

function cutInput(route: Route): InputParts {
  const { input } = requireOperation(route.operation);
  const inPath = new Set([...route.path.matchAll(/:(\w+)/g)].map((match) => match[1]));
  const params = pick(input, (name) => inPath.has(name));
  const rest = pick(input, (name) => !inPath.has(name));
  const hasBody = route.body ?? (route.method === 'POST' || route.method === 'PATCH');
  return hasBody ? { params, body: rest } : { params, querystring: rest };
}

/** TypeBox leaves `required` out where nothing is, whatever its type says. */
function pick(schema: { properties: Record<string, TSchema>; required?: string[] }, wanted: (name: string) => boolean): ObjectSchema {
  const properties = Object.entries(schema.properties);
  return {
    type: 'object',
    properties: Object.fromEntries(properties.filter(([name]) => wanted(name))),
    required: (schema.required ?? []).filter(wanted),
    additionalProperties: false,
  };
}
