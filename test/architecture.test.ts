/** The habits of the house: who may import whom, no circles, short files, one place for the environment. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { cruise } from 'dependency-cruiser';

/** What accounts are made of, lowest first: each may use those to its left. */
const accountFeatures = ['mails', 'tokens', 'counters', 'security', 'passwords', 'users', 'sessions', 'totp', 'auth'];

/** The order of the features: for each those that it may use. */
const lowerFeatures: Record<string, string[]> = {
  ...Object.fromEntries(accountFeatures.map((feature, index) => [feature, accountFeatures.slice(0, index)])),
  blocks: ['users'],
  chats: ['users', 'blocks'],
  messages: ['users', 'blocks', 'chats'],
  search: ['users', 'chats', 'messages'],
  account: [...accountFeatures, 'blocks', 'chats', 'messages', 'files'],
  presence: ['users', 'blocks', 'chats', 'messages'],
  files: ['users', 'chats', 'messages'],
  push: ['users', 'blocks', 'chats', 'messages'],
};

/** Paths are below src. `*` is any name, `**` any path, `:word` the same name wherever it stands in a row, `:lower` a lower feature. */
interface Rule {
  /** The files it is about: the first row that fits a file is its rule. */
  who: string;
  /** What they may import. */
  may: string[];
  /** What they may `import type` besides. */
  asTypes?: string[];
  /** The packages they may import; any that the table of packages leaves them if this is absent. */
  packages?: string[];
}

const everyWire = ['core/**', 'contracts.ts', 'delivery/**', 'transports/*.ts'];
const serviceTypes = ['services.ts', 'features/*/*.service.ts'];

const rules: Rule[] = [
  { who: 'core/**', may: ['core/**'] },
  { who: 'config.ts', may: ['core/**'] },
  { who: 'features/:feature/*.contract.ts', may: ['core/**', 'features/:feature/*.contract.ts', 'features/:lower/*.contract.ts'], packages: ['typebox'] },
  { who: 'features/:feature/*.model.ts', may: ['core/**', 'features/:feature/*.contract.ts'], asTypes: ['features/:feature/*.model.ts'], packages: ['mongoose'] },
  { who: 'features/:feature/**', may: ['core/**', 'features/:feature/**', 'features/:lower/*.contract.ts'], asTypes: ['features/:lower/*.service.ts'] },
  { who: 'contracts.ts', may: ['core/**', 'features/*/*.contract.ts'] },
  { who: 'services.ts', may: ['core/**', 'features/**'] },
  { who: 'upgrades.ts', may: ['core/**', 'features/*/*.ts'] },
  { who: 'delivery/**', may: ['core/**', 'delivery/**'], asTypes: ['contracts.ts', 'features/*/*.contract.ts'] },
  { who: 'plugins/*.ts', may: ['core/**'] },
  { who: 'plugins/:plugin/**', may: ['core/**', 'plugins/:plugin/**'] },
  { who: 'transports/*.ts', may: everyWire, asTypes: serviceTypes },
  // The one wire that looks into another: the documents describe REST from its own table of routes.
  { who: 'transports/docs/**', may: [...everyWire, 'transports/docs/**', 'transports/rest/routes.ts', 'transports/rest/parts.ts', 'transports/rest/route.errors.ts'], asTypes: serviceTypes },
  { who: 'transports/:wire/**', may: [...everyWire, 'transports/:wire/**'], asTypes: serviceTypes },
  { who: 'dialects/:dialect/**', may: [...everyWire, 'dialects/:dialect/**'], asTypes: serviceTypes },
  { who: 'app.ts', may: ['config.ts', 'contracts.ts', 'services.ts', 'upgrades.ts', 'core/**', 'features/**', 'plugins/**', 'delivery/**', 'transports/**', 'dialects/**'] },
  { who: 'server.ts', may: ['app.ts', 'config.ts', 'core/**', 'plugins/**'] },
];

/** Packages that only some may import: features know no wire, wires know no store. */
const packageOwners: Record<string, string[]> = {
  fastify: ['app.ts', 'server.ts', 'plugins/**', 'transports/**', 'dialects/**'],
  '@fastify/**': ['app.ts', 'plugins/**', 'transports/**', 'dialects/**'],
  ws: ['transports/**', 'dialects/**'],
  mongoose: ['services.ts', 'upgrades.ts', 'plugins/**', 'features/**'],
};

/** Lines beyond which the set-up of the contracts and the adapters of the wires would become a framework. */
const lineLimits: Record<string, number> = {
  'core/contract.ts': 80,
  'transports/dispatch.ts': 100,
  'transports/rest/index.ts': 150,
  'transports/rest/refresh.cookie.ts': 150,
  'transports/websocket/index.ts': 150,
  'transports/websocket/connection.ts': 150,
};

interface Import {
  from: string;
  /** A path below src, or the name of a package. */
  to: string;
  isPackage?: boolean;
  isTypeOnly?: boolean;
}

type Names = Record<string, string | undefined>;

/** The names that a pattern catches in a path, if it fits; a name that is known already must be the same. */
function match(pattern: string, path: string, known: Names = {}): Names | undefined {
  const expression = pattern
    .replace(/\./g, '\\.')
    .replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.+' : '[^/]+'))
    .replace(/:(\w+)/g, (_, name: string) => known[name] ?? `(?<${name}>[^/]+)`);
  const found = new RegExp(`^(?:${expression})$`).exec(path);
  return found ? { ...found.groups } : undefined;
}

/** What is wrong with an import, if anything is. */
function faultOf({ from, to, isPackage = false, isTypeOnly = false }: Import): string | undefined {
  const rule = rules.find(({ who }) => match(who, from));
  if (!rule) return `${from} has no row in the table`;
  const names = match(rule.who, from) ?? {};
  const lower = lowerFeatures[names['feature'] ?? ''] ?? [];
  const known = { ...names, lower: `(?:${lower.join('|') || '-'})` };
  const fits = (patterns: string[], path: string): boolean => patterns.some((pattern) => match(pattern, path, known));

  if (isPackage) {
    const owners = Object.entries(packageOwners).find(([name]) => match(name, to))?.[1];
    const mayImport = fits(rule.packages ?? ['**'], to) && (!owners || fits(owners, from));
    return mayImport ? undefined : `${from} must not import the package ${to}`;
  }
  if (fits(rule.may, to)) return undefined;
  if (!fits(rule.asTypes ?? [], to)) return `${from} must not import ${to}`;
  return isTypeOnly ? undefined : `${from} may import ${to} by \`import type\` only`;
}

/** The first circle of imports, as the files along it. */
function findCircle(imports: Import[]): string[] | undefined {
  const targets = new Map<string, string[]>();
  for (const { from, to, isTypeOnly } of imports) if (!isTypeOnly) targets.set(from, [...(targets.get(from) ?? []), to]);
  const done = new Set<string>();
  const walk = (file: string, way: string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const target of targets.get(file) ?? []) {
      const circle = walk(target, [...way, file]);
      if (circle) return circle;
    }
    return undefined;
  };
  for (const file of targets.keys()) {
    const circle = walk(file, []);
    if (circle) return circle;
  }
  return undefined;
}

async function readImports(): Promise<Import[]> {
  const { output } = await cruise(['src'], { tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } });
  if (typeof output === 'string') throw new Error(output);
  const below = (path: string): string => path.replace(/^src\//, '');
  return output.modules
    .filter(({ source }) => source.startsWith('src/'))
    .flatMap(({ source, dependencies }) =>
      dependencies.map(({ module, resolved, dependencyTypes }) => {
        const isPackage = !/^[./]/.test(module);
        return { from: below(source), to: isPackage ? module : below(resolved), isPackage, isTypeOnly: dependencyTypes.some((type) => type === 'type-only' || type === 'type-import') };
      }),
    );
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join('src', name), 'utf8') }));
const linesOf = ({ text }: { text: string }): number => text.split('\n').length - 1;
const namesOf = (found: { name: string }[]): string[] => found.map(({ name }) => name);

const imports = await readImports();

test('every import is one that the table allows', () => {
  assert.deepEqual(imports.map(faultOf).filter((fault) => fault !== undefined), []);
  assert.ok(imports.length > files.length, 'the imports were read');
});

test('the table refuses what the house does not do, and takes what it does', () => {
  const refused: Import[] = [
    { from: 'core/bus.ts', to: 'config.ts' },
    { from: 'core/errors.ts', to: 'features/users/users.contract.ts', isTypeOnly: true },
    { from: 'features/users/users.contract.ts', to: 'features/users/user.model.ts' },
    { from: 'features/users/users.contract.ts', to: 'mongoose', isPackage: true },
    { from: 'features/users/users.service.ts', to: 'features/auth/auth.contract.ts' },
    { from: 'features/users/users.service.ts', to: 'features/chats/chats.service.ts', isTypeOnly: true },
    { from: 'features/passwords/passwords.service.ts', to: 'features/users/users.service.ts', isTypeOnly: true },
    { from: 'features/auth/auth.service.ts', to: 'features/passwords/password.rules.ts' },
    { from: 'features/chats/chats.service.ts', to: 'features/account/account.service.ts', isTypeOnly: true },
    { from: 'features/chats/chat.views.ts', to: 'features/auth/auth.service.ts', isTypeOnly: true },
    { from: 'features/chats/chats.service.ts', to: 'features/users/users.service.ts' },
    { from: 'features/messages/message.log.ts', to: 'features/chats/chat.model.ts', isTypeOnly: true },
    { from: 'features/messages/message.model.ts', to: 'features/messages/change.model.ts' },
    { from: 'features/messages/messages.service.ts', to: 'transports/dispatch.ts', isTypeOnly: true },
    { from: 'features/auth/auth.service.ts', to: 'fastify', isPackage: true },
    { from: 'contracts.ts', to: 'features/users/users.service.ts' },
    { from: 'plugins/mongo.ts', to: 'delivery/hub.ts' },
    { from: 'plugins/mongod/index.ts', to: 'plugins/mongo.ts' },
    { from: 'delivery/hub.ts', to: 'contracts.ts' },
    { from: 'transports/dispatch.ts', to: 'services.ts' },
    { from: 'transports/dispatch.ts', to: 'transports/rest/routes.ts' },
    { from: 'transports/rest/index.ts', to: 'features/users/user.model.ts', isTypeOnly: true },
    { from: 'transports/rest/index.ts', to: 'transports/websocket/frames.ts' },
    { from: 'transports/docs/openapi.ts', to: 'transports/rest/index.ts' },
    { from: 'transports/websocket/index.ts', to: 'mongoose', isPackage: true },
    { from: 'dialects/one/index.ts', to: 'dialects/two/index.ts' },
    { from: 'app.ts', to: 'server.ts' },
    { from: 'server.ts', to: 'services.ts' },
    { from: 'elsewhere/index.ts', to: 'core/bus.ts' },
  ];
  const allowed: Import[] = [
    { from: 'features/messages/message.log.ts', to: 'features/messages/message.model.ts' },
    { from: 'features/auth/auth.service.ts', to: 'features/passwords/passwords.service.ts', isTypeOnly: true },
    { from: 'features/account/account.service.ts', to: 'features/messages/messages.service.ts', isTypeOnly: true },
    { from: 'features/messages/messages.service.ts', to: 'features/chats/chats.contract.ts' },
    { from: 'features/messages/messages.service.ts', to: 'features/chats/chats.service.ts', isTypeOnly: true },
    { from: 'transports/rest/index.ts', to: 'transports/dispatch.ts' },
    { from: 'transports/docs/openapi.ts', to: 'transports/rest/routes.ts' },
    { from: 'dialects/one/index.ts', to: 'features/users/users.service.ts', isTypeOnly: true },
    { from: 'app.ts', to: 'transports/rest/index.ts' },
  ];
  assert.deepEqual(refused.filter((one) => faultOf(one) === undefined), []);
  assert.deepEqual(allowed.map(faultOf).filter((fault) => fault !== undefined), []);
});

test('imports do not run in circles', () => {
  assert.equal(findCircle(imports), undefined);
});

test('a circle is found, and one of types alone is none', () => {
  const circle: Import[] = [{ from: 'a', to: 'b' }, { from: 'b', to: 'c' }, { from: 'c', to: 'b' }];
  assert.deepEqual(findCircle(circle), ['b', 'c', 'b']);
  assert.equal(findCircle(circle.map((one) => ({ ...one, isTypeOnly: one.to === 'b' }))), undefined);
});

test('files are short', () => {
  const sorted = files.map(linesOf).sort((a, b) => a - b);
  const quantile = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
  assert.deepEqual(namesOf(files.filter((file) => linesOf(file) > (lineLimits[file.name] ?? 300))), []);
  assert.ok(quantile(0.5) <= 80, `the median is ${quantile(0.5)} lines`);
  assert.ok(quantile(0.9) <= 180, `one in ten has more than ${quantile(0.9)} lines`);
  assert.deepEqual(Object.keys(lineLimits).filter((name) => !namesOf(files).includes(name)), []);
});

test('the environment is read in one place', () => {
  const reading = files.filter(({ text }) => /\bprocess\s*(?:\?\.|\.|\[)\s*['"]?env\b|\benv\b[^;]*=\s*process\b|['"](?:node:)?process['"]/.test(text));
  assert.deepEqual(namesOf(reading).filter((name) => !['config.ts', 'server.ts'].includes(name)), []);
});

test('every file opens with what it is for', () => {
  assert.deepEqual(namesOf(files.filter(({ text }) => !/^\/\*\*\s+\S[^]*?\*\/\n/.test(text))), []);
});

test('no file or folder has a name that says nothing', () => {
  const vague = /^(?:utils?|common|helpers?|managers?|base|handlers?)$/;
  const parts = ({ name }: { name: string }): string[] => name.split('/').flatMap((part) => [part, ...basename(part, '.ts').split(/[.-]/)]);
  assert.deepEqual(namesOf(files.filter((file) => parts(file).some((part) => vague.test(part)))), []);
});

test('every feature has its place in the order', () => {
  const features = new Set(files.map(({ name }) => /^features\/(\w+)\//.exec(name)?.[1]).filter((name) => name !== undefined));
  assert.deepEqual([...features].filter((name) => !(name in lowerFeatures)), []);
});
