/** What Google says about a person, in the form that people have here. */
import { visibleLine } from '../../core/text.ts';
import type { Claims } from './id.token.ts';

export interface GoogleProfile {
  /** Google's `sub`: the one thing about an account that never changes. */
  googleId: string;
  email: string;
  emailVerified: boolean;
  firstName: string;
  lastName?: string;
  /** https, 500 characters at most. */
  photoUrl?: string;
  language?: 'en' | 'ru';
  /** When Google made the token. */
  issuedAt: Date;
}

const longestName = 50;
const longestUrl = 500;

/** For the rare account that has no name. The e-mail address is no substitute: others would see it. */
const nameless = 'Someone';

export function toProfile(claims: Claims): GoogleProfile {
  const photoUrl = toPhotoUrl(claims['picture']);
  const language = toLanguage(claims['locale']);
  return {
    googleId: claims.sub,
    email: claims.email,
    // Some issuers write it as a text.
    emailVerified: claims['email_verified'] === true || claims['email_verified'] === 'true',
    ...toNames(claims),
    ...(photoUrl !== undefined && { photoUrl }),
    ...(language !== undefined && { language }),
    issuedAt: new Date(claims.iat * 1000),
  };
}

function toNames(claims: Claims): { firstName: string; lastName?: string } {
  const firstName = toName(claims['given_name']);
  const lastName = toName(claims['family_name']);
  if (firstName === undefined) return { firstName: toName(claims['name']) ?? lastName ?? nameless };
  return { firstName, ...(lastName !== undefined && { lastName }) };
}

const characters = new Intl.Segmenter();
const isVisible = new RegExp(visibleLine, 'u');

/** A text as a name of ours: one line, composed, something to see in it, cut between characters to 50 code points. */
function toName(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined;
  const line = text
    .slice(0, 1000)
    .replace(/[\p{Cc}\p{Cs}\s]+/gu, ' ')
    .trim()
    .normalize('NFC')
    // More marks on one letter are no language, and our contract refuses them.
    .replace(/(\p{M}{30})\p{M}+/gu, '$1');
  let name = '';
  for (const { segment } of characters.segment(line)) {
    if (Array.from(name + segment).length > longestName) break;
    name += segment;
  }
  return isVisible.test(name) ? name.trimEnd() : undefined;
}

function toPhotoUrl(picture: unknown): string | undefined {
  if (typeof picture !== 'string' || !URL.canParse(picture)) return undefined;
  const { protocol, href } = new URL(picture);
  return protocol === 'https:' && href.length <= longestUrl ? href : undefined;
}

function toLanguage(locale: unknown): 'en' | 'ru' | undefined {
  const [, language] = /^(en|ru)(?![a-z])/i.exec(typeof locale === 'string' ? locale : '') ?? [];
  return language?.toLowerCase() as 'en' | 'ru' | undefined;
}
