/** What somebody sees who follows a link in a mail: the form, that it is done, or why not. */
import type { Language } from '../../../core/contract.ts';
import type { AppError } from '../../../core/errors.ts';
import { html, type Html } from './html.ts';
import type { Page } from './page.ts';
import { toSentence } from './problems.ts';
import { texts, type LinkName } from './texts.ts';

/** Where a page is shown: for which link, to whom, and where the browser app is if there is one. */
export interface LinkView {
  name: LinkName;
  language: Language;
  appUrl: string | undefined;
}

/** The form that does what the link is for. Nothing has looked at the token yet. `wrong` says why it is shown again. */
export function formPage({ name, language }: LinkView, token: string, wrong?: string): Page {
  const { title, text, button } = texts[language].links[name];
  const form = html`<form method="post" action="${name}">
${wrong === undefined ? wrong : html`<p class="wrong" id="wrong" role="alert">${wrong}</p>`}
<input type="hidden" name="token" value="${token}">
${name === 'reset-password' ? passwordFields(language, wrong !== undefined) : undefined}
<button type="submit">${button}</button>
</form>`;
  return { title, paragraphs: [text], form };
}

/** Twice, for without a script nobody could have a look at what they have typed. */
function passwordFields(language: Language, isWrong: boolean): Html {
  const { label, hint, repeat } = texts[language].password;
  return html`<label for="password">${label}</label>
<p class="hint" id="hint">${hint}</p>
<input type="password" id="password" name="password" autocomplete="new-password" minlength="8" required aria-describedby="hint${isWrong ? ' wrong' : ''}">
<label for="repeat">${repeat}</label>
<input type="password" id="repeat" name="repeat" autocomplete="new-password" minlength="8" required>`;
}

export function donePage(view: LinkView): Page {
  const { done } = texts[view.language].links[view.name];
  // Whoever has undone a change goes on in their mailbox.
  return { title: done.title, paragraphs: [done.text], link: view.name === 'undo' ? undefined : toApp(view) };
}

export function incompletePage(language: Language): Page {
  const { title, text } = texts[language].incomplete;
  return { title, paragraphs: [text] };
}

/** What is wrong: with the link for good, or for now only, so that the form stands there once more. */
export function problemPage(view: LinkView, token: string, error: AppError): Page {
  const { links, expired, taken } = texts[view.language];
  const own = links[view.name];
  if (error.code === 'LINK_EXPIRED') return { title: expired.title, paragraphs: [expired.text, own.expired], link: toApp(view) };
  if (error.code === 'EMAIL_TAKEN' && own.taken !== undefined) return { title: taken, paragraphs: [own.taken], link: toApp(view) };
  return formPage(view, token, toSentence(view.language, error));
}

const toApp = ({ language, appUrl }: LinkView): Page['link'] => (appUrl === undefined ? undefined : { href: appUrl, label: texts[language].toApp });
