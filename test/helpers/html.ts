/** A strict reader of small HTML documents: elements with their attributes and text, or what is wrong with them. */
import assert from 'node:assert/strict';

export interface Element {
  name: string;
  attributes: Record<string, string>;
  /** Everything readable inside, with entities resolved. */
  text: string;
}

const voidElements = new Set(['meta', 'input', 'link', 'img', 'br', 'hr', 'base']);
const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" };

/** The elements in the order in which they begin. Every tag is balanced, every attribute quoted, every `<` and `&` that is text escaped. */
export function readHtml(document: string): Element[] {
  assert.ok(document.startsWith('<!doctype html>\n'), 'it begins with its doctype');
  const elements: Element[] = [];
  const open: Element[] = [];
  const tokens = /<style>(?<style>[^<]*)<\/style>|<(?<end>\/?)(?<name>[a-z][a-z0-9]*)(?<attributes>(?: [a-z][a-z-]*(?:="[^"<>]*")?)*)>|(?<text>[^<>]+)/y;
  tokens.lastIndex = '<!doctype html>'.length;
  while (tokens.lastIndex < document.length) {
    const at = tokens.lastIndex;
    const { style, end, name = '', attributes = '', text } = tokens.exec(document)?.groups ?? assert.fail(`this is no HTML: ${document.slice(at, at + 60)}`);
    if (style !== undefined) elements.push({ name: 'style', attributes: {}, text: style });
    else if (text !== undefined) for (const element of open) element.text += resolve(text);
    else if (end) assert.equal(open.pop()?.name, name, `</${name}> ends what began last`);
    else {
      const element = { name, attributes: readAttributes(attributes), text: '' };
      elements.push(element);
      if (!voidElements.has(name)) open.push(element);
    }
  }
  assert.deepEqual(open, [], 'all is ended');
  return elements;
}

function readAttributes(source: string): Record<string, string> {
  const pairs = [...source.matchAll(/ ([a-z-]+)(?:="([^"]*)")?/g)].map(([, name = '', value = '']) => [name, resolve(value)] as const);
  assert.equal(new Set(pairs.map(([name]) => name)).size, pairs.length, `an attribute stands twice in ${source}`);
  return Object.fromEntries(pairs);
}

const resolve = (text: string): string =>
  text.replace(/&(?:([a-z]+|#\d+);)?/g, (entity, name: string | undefined) => entities[name ?? ''] ?? assert.fail(`${entity} is no entity`));
