/** Query operators in every field of every route, and keys that are nobody's to set: the contract refuses them all. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { requireOperation } from '../../src/contracts.ts';
import { partsOf, type ObjectSchema } from '../../src/transports/rest/parts.ts';
import type { Route } from '../../src/transports/rest/routes.ts';
import { buildTestApp } from '../helpers/app.ts';
import { untouched } from '../helpers/store.ts';
import { ask, requireError, requireInvalid, type Asking, type ErrorBody, telling } from './ask.ts';
import { hostileValues, inputWith, isFormed, isObject, keysForeignTo, operators, refusedField, sampleOf } from './samples.ts';

type Refuse = (fields: string | readonly string[], path: string, asking?: Asking) => Promise<void>;

/** Every route, asked by somebody signed in; in the end the store is what it was, byte for byte. */
async function forEveryRoute(t: TestContext, attack: (route: Route, refuse: Refuse) => Promise<void>): Promise<void> {
  const { url, person, mongodbUri } = await buildTestApp(t);
  const [ann, bob] = await Promise.all([person('Ann'), person('Bob')]);
  await ann.call('messages.send', { to: bob.id, text: 'hello' });
  const requireUntouched = await untouched(t, mongodbUri);
  for (const route of telling) {
    await attack(route, async (fields, path, asking = {}) => {
      const answer = await ask(url, path, { method: route.method, token: ann.accessToken, ...asking });
      for (const field of [fields].flat()) requireInvalid(answer, field);
    });
  }
  await requireUntouched();
}

/** The address of a route with a sample for every name in it but those given. */
function pathOf(route: Route, given: Record<string, string> = {}): string {
  const { params } = partsOf(route);
  return route.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(given[name] ?? String(sampleOf(params.properties[name] ?? {}))));
}

/** What else the route needs, in its query. */
const queryOf = (route: Route, fields: Record<string, string>): string => {
  const { querystring } = partsOf(route);
  const needed = Object.entries(querystring?.properties ?? {}).filter(([name]) => querystring?.required.includes(name) && !(name in fields)).map(([name, schema]) => [name, String(sampleOf(schema))]);
  return `?${new URLSearchParams([...needed, ...Object.entries(fields)] as [string, string][]).toString()}`;
};

/** The fields that travel as JSON. */
const bodyPartOf = (route: Route): ObjectSchema | undefined => (route.bytes ? undefined : partsOf(route).body);

function bodyOf(route: Route, name: string, value: unknown): Record<string, unknown> {
  const { params } = partsOf(route);
  return Object.fromEntries(Object.entries(inputWith(requireOperation(route.operation).input, name, value)).filter(([other]) => other === name || !(other in params.properties)));
}

test('no route takes an operator for anything in its body', async (t) => {
  await forEveryRoute(t, async (route, refuse) => {
    for (const [name, schema] of Object.entries(bodyPartOf(route)?.properties ?? {})) {
      for (const value of hostileValues) await refuse(refusedField({ name, schema }, value), pathOf(route), { json: bodyOf(route, name, value) });
    }
  });
});

test('no route takes an operator for anything in its path', async (t) => {
  await forEveryRoute(t, async (route, refuse) => {
    for (const name of Object.keys(partsOf(route).params.properties)) {
      for (const value of [...hostileValues.map((one) => JSON.stringify(one)), '[$gt]', `${name}[$ne]=`, '[object Object]', '$where', '../me']) {
        await refuse(name, pathOf(route, { [name]: value }), bodyPartOf(route) && { json: bodyOf(route, '', undefined) });
      }
    }
  });
});

test('no route takes an operator, or a field twice, for anything in its query', async (t) => {
  await forEveryRoute(t, async (route, refuse) => {
    const { querystring } = partsOf(route);
    for (const [name, schema] of Object.entries(querystring?.properties ?? {})) {
      for (const key of [...operators.flatMap((one) => Object.keys(one)), '', '0', '__proto__']) await refuse(`${name}[${key}]`, pathOf(route) + queryOf(route, { [`${name}[${key}]`]: '' }));
      for (const key of [`${name}.$gt`, `${name}[$ne][$gt]`, `$${name}`]) await refuse(key, pathOf(route) + queryOf(route, { [key]: 'x' }));
      const sample = encodeURIComponent(String(sampleOf(schema)));
      await refuse(name, `${pathOf(route)}${queryOf(route, { [name]: decodeURIComponent(sample) })}&${name}=${sample}`);
      if (isFormed({ name, schema })) await refuse(name, pathOf(route) + queryOf(route, { [name]: '{"$gt":""}\0' }));
    }
  });
});

test("no route takes a key that is nobody's to set, neither in its body nor in its query", async (t) => {
  await forEveryRoute(t, async (route, refuse) => {
    const body = bodyPartOf(route);
    const keys = keysForeignTo(requireOperation(route.operation).input);
    for (const key of keys) await refuse(key, pathOf(route) + queryOf(route, { [key]: '1' }), body && { json: bodyOf(route, '', undefined) });
    if (!body) return;
    const own = keys.filter((key) => key !== '__proto__');
    for (const key of own) {
      await refuse(key, pathOf(route), { json: bodyOf(route, key, 'admin') });
      for (const [name, schema] of Object.entries(body.properties)) if (isObject({ name, schema })) await refuse(`${name}/${key}`, pathOf(route), { json: bodyOf(route, name, { [key]: 1 }) });
    }
    // Each of them is named, though they come together.
    for (const value of [1, true, null, { $gt: '' }]) await refuse(own, pathOf(route), { json: { ...bodyOf(route, '', undefined), ...Object.fromEntries(own.map((key) => [key, value])) } });
  });
});

test('a body with a key that would reach an object itself is refused as a whole', async (t) => {
  const { url, person, mongodbUri } = await buildTestApp(t);
  const { accessToken: token } = await person('Ann');
  const requireUntouched = await untouched(t, mongodbUri);
  for (const route of telling.filter(bodyPartOf)) {
    const sample = JSON.stringify(bodyOf(route, '', undefined)).slice(1, -1);
    for (const poison of ['"__proto__":{"role":"admin"}', '"__proto__":null', '"\\u005f_proto__":{"role":"admin"}', '"constructor":{"prototype":{"role":"admin"}}', '"x":{"__proto__":{"role":"admin"}}']) {
      const raw = `{${[sample, poison].filter(Boolean).join(',')}}`;
      requireError(await ask(url, pathOf(route), { method: route.method, token, raw, headers: { 'content-type': 'application/json' } }), 'MALFORMED_JSON');
    }
  }
  assert.equal(({} as { role?: string }).role, undefined);
  await requireUntouched();
});

test('the way back from Google takes no operator either', async (t) => {
  const { url, mongodbUri } = await buildTestApp(t, { env: { APP_URL: 'https://app.example' } });
  const requireUntouched = await untouched(t, mongodbUri);
  for (const query of ['state[$ne]=&code=x', 'state[$gt]=&code[$gt]=', 'state=a&state=b&code=a&code=b', 'state=%7B%22$gt%22:%22%22%7D&code=x', '__proto__[state]=x', 'returnTo[$ne]=x']) {
    const back = await fetch(`${url}/auth/google/callback?${query}`, { redirect: 'manual', headers: { cookie: '__Host-google=x' } });
    assert.equal(back.status, 303, query);
    assert.match(back.headers.get('location') ?? '', /#error=GOOGLE_REFUSED$/, query);
    const out = await ask(url, `/auth/google?${query}`);
    assert.equal((out.body as ErrorBody).code, 'VALIDATION_FAILED', query);
  }
  await requireUntouched();
});
