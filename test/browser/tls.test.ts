/** A browser at a server that speaks HTTPS itself. */
import { test } from 'node:test';
import { openPage } from '../helpers/browser.ts';
import { makeCertificate } from '../helpers/certificate.ts';
import { servePage } from '../helpers/page.ts';
import { serverHome } from '../helpers/process.ts';
import { appHtml, live } from './story.ts';

test('with a self-made certificate a browser app on another port logs in with cookies, refreshes, and connects the websocket', async (t) => {
  const tls = await makeCertificate(t);
  const appUrl = await servePage(t, { html: appHtml, tls });
  const home = await serverHome(t);
  const api = `https://localhost:${home.port}`;
  await home.start({ ...tls.env, PUBLIC_URL: api, APP_URL: appUrl });
  await live(await openPage(t, { ignoreHTTPSErrors: true }), appUrl, api);
});
