/** How a feature declares what it can do: operations and events as schemas, and the types that follow from them. */
import type { Static, TObject, TSchema } from 'typebox';
import type { ErrorCode } from './errors.ts';
import type { Rate } from './rate.ts';
import type { Id } from './schemas.ts';
import type { Sheddable } from './shedding.ts';

/**
 * Who may call: anyone at all, a signed-in user, or one whose session has proven who they are within the last five minutes.
 * Finer rules (membership, ownership) belong to the service.
 */
export type Access = 'anyone' | 'user' | 'fresh';

/** The languages that people are written to in. */
export type Language = 'en' | 'ru';

/** Somebody who has not signed in. */
export interface Guest {
  ip: string;
  userAgent: string;
  language: Language;
}

/** The signed-in person who is asking. */
export interface Caller extends Guest {
  userId: Id;
  sessionId: Id;
  /** When the access token runs out; on a connection `auth.renew` moves it on. */
  expiresAt: Date;
}

export interface Operation<A extends Access = Access, I extends TObject = TObject, O extends TSchema = TSchema> {
  /** One sentence for the documents: what it does for its caller. */
  summary: string;
  access: A;
  rate: Rate;
  /** Where it makes sense on one wire only. */
  wire?: 'websocket' | 'http';
  input: I;
  output: O;
  /** The errors of its own; those every operation can give (see errors.ts) are not listed again. */
  errors: readonly ErrorCode[];
}

export interface EventDeclaration<P extends TSchema = TSchema> {
  summary: string;
  payload: P;
  shed?: Sheddable;
}

export interface Contract {
  operations: Record<string, Operation>;
  events: Record<string, EventDeclaration>;
}

export const operation = <A extends Access, I extends TObject, O extends TSchema>(declaration: Operation<A, I, O>): Operation<A, I, O> => declaration;

export const event = <P extends TSchema>(declaration: EventDeclaration<P>): EventDeclaration<P> => declaration;

type CallerFor<A extends Access> = A extends 'anyone' ? Guest | Caller : Caller;
type ShortName<N> = N extends `${string}.${infer Short}` ? Short : never;

/** The functions a contract asks of its service, by the part of the operation's name after the dot. */
export type Service<C extends Contract> = {
  [N in keyof C['operations'] as ShortName<N>]: (
    caller: CallerFor<C['operations'][N]['access']>,
    input: Static<C['operations'][N]['input']>,
  ) => Promise<Static<C['operations'][N]['output']>>;
};

/** An event as it travels: its declared name and its payload. */
export interface AnyEvent {
  name: string;
  payload: unknown;
}

/** The events a contract declares, as values. */
export type EventOf<C extends Contract> = {
  [N in keyof C['events'] & string]: { name: N; payload: Static<C['events'][N]['payload']> };
}[keyof C['events'] & string];
