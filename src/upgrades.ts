/** From what older versions have stored to today's form. */
import type { Connection } from 'mongoose';
import { completeMemberships, dropOldIndexes, engageSenders, membershipModel } from './features/chats/membership.model.ts';
import { mailModel, orderMails } from './features/mails/mail.model.ts';
import { messageCollection } from './features/messages/message.model.ts';
import { placeCollection } from './features/search/place.model.ts';
import { foldWordsAnew } from './features/search/search.filling.ts';
import { dropOldIndex, securityModel } from './features/security/security.model.ts';
import { dropOldSessions, sessionModel } from './features/sessions/session.model.ts';
import { orderTokens, tokenModel } from './features/tokens/token.model.ts';
import { completeUsers, foldNamesAnew, userModel } from './features/users/user.model.ts';

/** In the order in which they came to be. Done twice each is done as well. */
export const upgrades: readonly { name: string; run: (connection: Connection) => Promise<void> }[] = [
  { name: 'settings of users', run: async (connection) => completeUsers(userModel(connection)) },
  { name: 'sessions with successors', run: async (connection) => dropOldSessions(sessionModel(connection)) },
  { name: 'mails in order', run: async (connection) => orderMails(mailModel(connection)) },
  { name: 'links in order', run: async (connection) => orderTokens(tokenModel(connection)) },
  { name: 'log in the order of time', run: async (connection) => dropOldIndex(securityModel(connection)) },
  { name: 'roles of members', run: async (connection) => completeMemberships(membershipModel(connection)) },
  { name: 'contacts by writing', run: async (connection) => engageSenders(membershipModel(connection), messageCollection(connection)) },
  { name: 'names folded by accents alone', run: async (connection) => foldNamesAnew(userModel(connection)) },
  { name: 'chats of a person by the index alone', run: async (connection) => dropOldIndexes(membershipModel(connection)) },
  { name: 'words folded by accents alone', run: async (connection) => foldWordsAnew(placeCollection(connection)) },
];
