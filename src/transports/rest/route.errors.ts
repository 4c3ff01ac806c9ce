/** What can go wrong with a request besides what its operation declares: by its access, its body, its cookie. */
import type { Access } from '../../core/contract.ts';
import type { ErrorCode } from '../../core/errors.ts';
import { requireOperation } from '../../contracts.ts';
import { partsOf } from './parts.ts';
import type { Route } from './routes.ts';

/** What can be wrong with a body before its fields are looked at. */
export const bodyErrors = ['MALFORMED_JSON', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const satisfies readonly ErrorCode[];

/** The same of a form with a file. */
export const formErrors = ['BAD_REQUEST', 'UNSUPPORTED_MEDIA_TYPE'] as const satisfies readonly ErrorCode[];

/** How those are refused who may not call, on whatever wire. */
export const accessErrors: Record<Access, readonly ErrorCode[]> = { anyone: [], user: ['UNAUTHENTICATED'], fresh: ['UNAUTHENTICATED', 'FRESH_SIGN_IN_REQUIRED'] };

/** What a page may be told before its cookie is looked at. */
const cookieErrors = ['ORIGIN_NOT_ALLOWED'] as const satisfies readonly ErrorCode[];

/** Every error of a route but those of every operation (core/errors.ts). */
export function errorsOf(route: Route): ErrorCode[] {
  const { access, errors } = requireOperation(route.operation);
  return [...new Set<ErrorCode>([...(route.bytes === 'in' ? formErrors : partsOf(route).body ? bodyErrors : []), ...(route.cookie ? cookieErrors : []), ...accessErrors[access], ...errors])];
}
