/** One page of our own: plain HTML without any script, and the headers that hold a browser to that. */
import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { Language } from '../../../core/contract.ts';
import { statusOf, type AppError } from '../../../core/errors.ts';
import { tellWait } from '../standing.ts';
import { html, type Html } from './html.ts';
import { style } from './style.ts';

export interface Page {
  title: string;
  paragraphs: readonly string[];
  form?: Html;
  /** Where to go on. */
  link?: { href: string; label: string } | undefined;
}

/** Scripts, pictures, frames and the like are refused, and of styles all but our own. */
const contentSecurityPolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The address of a page may hold a token: nothing keeps it or passes it on. */
const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': contentSecurityPolicy,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/** Answers a page; one that tells of an error has its status, and its `Retry-After` if waiting helps. */
export function sendPage(reply: FastifyReply, language: Language, page: Page, error?: AppError): FastifyReply {
  if (error) tellWait(reply, error);
  return reply
    .code(error ? statusOf(error.code) : 200)
    .headers(headers)
    .send(toDocument(language, page));
}

function toDocument(language: Language, { title, paragraphs, form, link }: Page): string {
  const document = html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – Parley</title>
<style>${{ html: style }}</style>
</head>
<body>
<main>
<p class="brand">Parley</p>
<h1>${title}</h1>
${paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}
${form}
${link && html`<p><a href="${link.href}">${link.label}</a></p>`}
</main>
</body>
</html>
`;
  return document.html;
}
