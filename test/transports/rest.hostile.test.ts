/** Query operators and other strange values in every field of every route: the contract refuses them all. */
import { test } from 'node:test';
import { requireOperation } from '../../src/contracts.ts';
import { partsOf } from '../../src/transports/rest/parts.ts';
import { routes, type Route } from '../../src/transports/rest/routes.ts';
import { buildTestApp } from '../helpers/app.ts';
import { ask, requireInvalid, type Asking } from './ask.ts';
import { fieldsOf, inputWith, isText } from './samples.ts';

const operators: object[] = [{ $gt: '' }, { $ne: null }, { $regex: '.*' }, { $where: 'sleep(1000)' }, { toString: 1 }, ['$gt', '']];
const anId = '0123456789abcdef01234567';

const pathOf = (route: Route): string => route.path.replace(/:\w+/g, route.path.startsWith('/message') ? '01890a5d-ac96-774b-bcce-b302099a8057' : anId);

for (const route of routes) {
  const { input } = requireOperation(route.operation);
  const { params, body } = partsOf(route);
  const texts = fieldsOf(input).filter(isText);
  if (texts.length === 0) continue;

  test(`${route.method} ${route.path} takes no operator for a text`, async (t) => {
    const { url, person } = await buildTestApp(t);
    const { accessToken: token } = await person('Ann');
    const refuse = async (field: string, path: string, asking: Asking = {}): Promise<void> => requireInvalid(await ask(url, path, { method: route.method, token, ...asking }), field);
    for (const { name } of texts) {
      for (const operator of operators) {
        if (name in params.properties) {
          await refuse(name, route.path.replace(`:${name}`, encodeURIComponent(JSON.stringify(operator))), body && { json: inputWith(input, name, undefined) });
        } else if (body) {
          const inBody = Object.entries(inputWith(input, name, operator)).filter(([other]) => !(other in params.properties));
          await refuse(name, pathOf(route), { json: Object.fromEntries(inBody) });
        } else {
          const [key = ''] = Object.keys(operator);
          const others = Object.entries(inputWith(input, '', '')).map(([other, value]) => `&${other}=${encodeURIComponent(String(value))}`);
          await refuse(`${name}[${key}]`, `${pathOf(route)}?${encodeURIComponent(`${name}[${key}]`)}=x${others.join('')}`);
        }
      }
    }
  });
}
