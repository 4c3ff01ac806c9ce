/** Everything the server can do, by full name. */
import type { Contract, EventDeclaration, Operation } from './core/contract.ts';
import { accountContract } from './features/account/account.contract.ts';
import { authContract } from './features/auth/auth.contract.ts';
import { blocksContract } from './features/blocks/blocks.contract.ts';
import { chatsContract } from './features/chats/chats.contract.ts';
import { filesContract } from './features/files/files.contract.ts';
import { groupsContract } from './features/chats/groups.contract.ts';
import { messagesContract } from './features/messages/messages.contract.ts';
import { presenceContract } from './features/presence/presence.contract.ts';
import { searchContract } from './features/search/search.contract.ts';
import { securityContract } from './features/security/security.contract.ts';
import { sessionsContract } from './features/sessions/sessions.contract.ts';
import { totpContract } from './features/totp/totp.contract.ts';
import { usersContract } from './features/users/users.contract.ts';

export const contracts = {
  users: usersContract,
  security: securityContract,
  sessions: sessionsContract,
  totp: totpContract,
  auth: authContract,
  blocks: blocksContract,
  chats: chatsContract,
  groups: groupsContract,
  messages: messagesContract,
  search: searchContract,
  presence: presenceContract,
  files: filesContract,
  account: accountContract,
} satisfies Record<string, Contract>;

type Contracts = typeof contracts;
export type Feature = keyof Contracts;
export type OperationName = { [F in Feature]: keyof Contracts[F]['operations'] & string }[Feature];

const all: readonly Contract[] = Object.values(contracts);

/** Operations by full name; a Map, so that no name from outside reaches a property of an object. */
export const operations: ReadonlyMap<string, Operation> = new Map(all.flatMap((contract) => Object.entries(contract.operations)));
export const events: ReadonlyMap<string, EventDeclaration> = new Map(all.flatMap((contract) => Object.entries(contract.events)));

/** An operation that is known to exist. */
export function requireOperation(name: OperationName): Operation {
  const operation = operations.get(name);
  if (!operation) throw new Error(`no contract declares ${name}`);
  return operation;
}
