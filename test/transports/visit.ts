/** Pages of our own as a browser without scripts gets them; each is checked for what every one of them must keep to. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Language } from '../../src/core/contract.ts';
import { readHtml, type Element } from '../helpers/html.ts';

export interface Visit {
  status: number;
  headers: Headers;
  title: string;
  /** All that can be read on it. */
  text: string;
  /** What went wrong, above a form. */
  wrong: string | undefined;
  /** The names and values of the form's fields. */
  fields: Record<string, string> | undefined;
  links: string[];
  /** Where it sends the browser on. */
  location: string | undefined;
}

export interface Visiting {
  method?: string;
  language?: Language;
  /** Sent as a form. */
  form?: Record<string, string> | [string, string][];
  /** Sent as it is. */
  raw?: string | Buffer;
  /** The type of `raw`; none at all if it is empty. */
  type?: string;
}

const formType = 'application/x-www-form-urlencoded';

export async function visit(address: URL | string, { language = 'en', form, raw, type = formType, method = form ?? raw ? 'POST' : 'GET' }: Visiting = {}): Promise<Visit> {
  const body = form ? new URLSearchParams(form).toString() : raw;
  const response = await fetch(address, {
    method,
    redirect: 'manual',
    headers: { accept: 'text/html,*/*;q=0.8', 'accept-language': language, ...(body !== undefined && type && { 'content-type': type }) },
    ...(body !== undefined && { body: typeof body === 'string' ? Buffer.from(body) : body }),
  });
  const { status, headers } = response;
  const html = await response.text();
  if (status === 303) return { status, headers, title: '', text: '', wrong: undefined, fields: undefined, links: [], location: headers.get('location') ?? '' };
  return { status, headers, ...requirePage(html, headers, language), location: undefined };
}

/** Sends a form and goes on to where the answer leads. */
export async function submit(address: URL, visiting: Visiting): Promise<Visit> {
  const { status, location = '' } = await visit(address, visiting);
  assert.equal(status, 303);
  return visit(new URL(location, address), { ...(visiting.language && { language: visiting.language }) });
}

type Content = Pick<Visit, 'title' | 'text' | 'wrong' | 'fields' | 'links'>;

export function requirePage(html: string, headers: Headers, language: Language): Content {
  const elements = readHtml(html);
  requireHeaders(elements, headers);
  requireHarmless(html, elements);
  requireAccessible(elements, language);
  const text = only(elements, 'main').text;
  const form = elements.find(({ name }) => name === 'form');
  const inputs = elements.filter(({ name }) => name === 'input').map(({ attributes }) => [attributes['name'] ?? '', attributes['value'] ?? ''] as const);
  return {
    title: only(elements, 'h1').text,
    text,
    wrong: elements.find(({ attributes }) => attributes['role'] === 'alert')?.text,
    fields: form && Object.fromEntries(inputs),
    links: elements.filter(({ name }) => name === 'a').map(({ attributes }) => attributes['href'] ?? ''),
  };
}

function only(elements: readonly Element[], name: string): Element {
  const [element, ...others] = elements.filter((one) => one.name === name);
  assert.ok(element && others.length === 0, `there is one ${name}`);
  return element;
}

/** The policy lets in the style as it was sent, and nothing else. */
function requireHeaders(elements: readonly Element[], headers: Headers): void {
  const hash = createHash('sha256').update(only(elements, 'style').text).digest('base64');
  assert.deepEqual(Object.fromEntries(['content-type', 'content-security-policy', 'referrer-policy', 'cache-control', 'x-content-type-options'].map((name) => [name, headers.get(name)])), {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
}

const allowed: Record<string, string[]> = {
  html: ['lang'],
  head: [],
  meta: ['charset', 'name', 'content'],
  title: [],
  style: [],
  body: [],
  main: [],
  h1: [],
  p: ['class', 'id', 'role'],
  a: ['href'],
  form: ['method', 'action'],
  label: ['for'],
  input: ['type', 'id', 'name', 'value', 'autocomplete', 'minlength', 'required', 'aria-describedby'],
  button: ['type'],
};

/** No script, nothing that the browser would fetch, and no token in the address that a form is sent to. */
function requireHarmless(html: string, elements: readonly Element[]): void {
  for (const { name, attributes } of elements) {
    const strange = Object.keys(attributes).filter((attribute) => !allowed[name]?.includes(attribute));
    assert.ok(allowed[name] && strange.length === 0, `${name} ${strange.join(' ')} is not expected here`);
  }
  assert.doesNotMatch(only(elements, 'style').text, /url\(|@import|http/);
  assert.doesNotMatch(html.replace(/<a href="[^"]*">/g, ''), /<script|\son\w+=|https?:|javascript:|style=/i);
  for (const { attributes } of elements.filter(({ name }) => name === 'form')) {
    assert.match(attributes['action'] ?? '', /^[a-z-]+$/);
    assert.equal(attributes['method'], 'post');
  }
}

/** In the language asked for, and every field with a label of its own. */
function requireAccessible(elements: readonly Element[], language: Language): void {
  assert.equal(only(elements, 'html').attributes['lang'], language);
  const text = only(elements, 'main').text.replaceAll('Parley', '');
  assert.match(text, language === 'ru' ? /[а-я]/ : /[a-z]/);
  assert.doesNotMatch(text.replaceAll('Google', ''), language === 'ru' ? /[a-z]/i : /[а-яё]/i);
  assert.doesNotMatch(text, /undefined|[{}]|object/);
  assert.equal(only(elements, 'title').text, `${only(elements, 'h1').text} – Parley`);
  const ids = elements.flatMap(({ attributes: { id } }) => id ?? []);
  assert.equal(new Set(ids).size, ids.length, 'no id stands twice');
  const labels = elements.filter(({ name, text: said }) => name === 'label' && said !== '').map(({ attributes }) => attributes['for']);
  for (const { attributes } of elements.filter(({ name }) => name === 'input')) {
    if (attributes['type'] !== 'hidden') assert.ok(labels.includes(attributes['id']), `${attributes['name']} has a label`);
    for (const id of attributes['aria-describedby']?.split(' ') ?? []) assert.ok(ids.includes(id), id);
  }
}
