/** A browser as far as a sign-in needs one: it keeps cookies, follows redirects and presses buttons. */

interface Cookie {
  name: string;
  value: string;
  path: string;
}

interface Page {
  url: URL;
  html: string;
}

/**
 * Signs in at the issuer as the account, or cancels if there is none.
 * @returns the first address elsewhere that the issuer sends the browser to; it is not visited
 * @throws Error with the page that leads nowhere
 */
export async function signInAt(authorizationUrl: string, sub?: string): Promise<URL> {
  const cookies = new Map<string, Cookie>();
  let place = await open(cookies, new URL(authorizationUrl));
  while (!(place instanceof URL)) {
    const button = buttonsOf(place.html).find(({ name, value }) => (sub === undefined ? name === 'cancel' : name === 'consent' || (name === 'account' && value === sub)));
    if (!button) throw stuckAt(place);
    place = await open(cookies, place.url, new URLSearchParams({ [button.name]: button.value }));
  }
  return place;
}

/** The page behind an address, or the address elsewhere that it leads to. */
async function open(cookies: Map<string, Cookie>, url: URL, form?: URLSearchParams): Promise<Page | URL> {
  const response = await fetch(url, { ...(form && { method: 'POST', body: form }), headers: { cookie: cookiesFor(cookies, url) }, redirect: 'manual' });
  for (const line of response.headers.getSetCookie()) keep(cookies, line);
  const location = response.headers.get('location');
  if (location === null) return { url, html: await response.text() };
  await response.body?.cancel();
  const next = new URL(location, url);
  return next.origin === url.origin ? open(cookies, next) : next;
}

function keep(cookies: Map<string, Cookie>, line: string): void {
  const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
  const path = /; *path=([^;]*)/i.exec(line)?.[1] ?? '/';
  const expires = /; *expires=([^;]*)/i.exec(line)?.[1];
  const id = `${name} ${path}`;
  if (expires !== undefined && Date.parse(expires) <= Date.now()) cookies.delete(id);
  else cookies.set(id, { name, value, path });
}

const cookiesFor = (cookies: ReadonlyMap<string, Cookie>, { pathname }: URL): string =>
  [...cookies.values()].filter(({ path }) => path === '/' || pathname === path || pathname.startsWith(`${path}/`)).map(({ name, value }) => `${name}=${value}`).join('; ');

const buttonsOf = (html: string): { name: string; value: string }[] =>
  [...html.matchAll(/<button name="(\w+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => ({ name, value }));

function stuckAt({ url, html }: Page): Error {
  const words = html.replace(/<style>[^]*?<\/style>|<[^>]*>/g, ' ').replace(/\s+/g, ' ').slice(0, 500);
  return new Error(`The sign-in is stuck at ${url.pathname}: ${words}`);
}
