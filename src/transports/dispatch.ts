/** From the name of an operation to its answer: the one path that every wire takes. */
import { operations, type OperationName } from '../contracts.ts';
import type { Standing } from '../core/buckets.ts';
import type { Caller, Guest, Operation } from '../core/contract.ts';
import { patience, withDeadline } from '../core/deadline.ts';
import { AppError } from '../core/errors.ts';
import { validate } from '../core/validate.ts';
import type { Services } from '../services.ts';
import type { Rates } from './rates.ts';

export interface Dispatch {
  /**
   * Name → access → rate → validation → run, for wires that hand over whatever they were sent.
   * What goes over HTTP alone is unknown here.
   * @throws UNKNOWN_OPERATION, UNAUTHENTICATED, RATE_LIMITED, VALIDATION_FAILED, FRESH_SIGN_IN_REQUIRED, and what the operation itself throws
   */
  call(name: string, caller: Guest | Caller, input: unknown): Promise<unknown>;
  /**
   * The first half, for wires that ask before they read the input: name → access → rate.
   * @throws UNKNOWN_OPERATION, UNAUTHENTICATED, RATE_LIMITED
   */
  admit(name: OperationName, caller: Guest | Caller): Standing;
  /**
   * The second half: runs what was admitted, on input that the wire has checked against the operation's schema.
   * @throws FRESH_SIGN_IN_REQUIRED, and what the operation itself throws
   */
  run(name: OperationName, caller: Guest | Caller, input: object): Promise<unknown>;
}

type Run = (caller: Guest | Caller, input: unknown) => Promise<unknown>;

export function createDispatch(services: Services, rates: Rates): Dispatch {
  const all = new Map([...operations].map(([name, operation]) => [name, { operation, execute: runOf(services, name, operation) }]));

  const requireAccess = (name: string, caller: Guest | Caller) => {
    const found = all.get(name);
    if (!found) throw new AppError('UNKNOWN_OPERATION');
    if (found.operation.access !== 'anyone' && !('userId' in caller)) throw new AppError('UNAUTHENTICATED');
    return found;
  };
  const admit = (name: string, caller: Guest | Caller): Standing => {
    requireAccess(name, caller);
    return rates.count(name, caller);
  };

  return {
    admit,
    async call(name, caller, input) {
      if (operations.get(name)?.wire === 'http') throw new AppError('UNKNOWN_OPERATION');
      admit(name, caller);
      const { operation, execute } = requireAccess(name, caller);
      return withDeadline(execute(caller, validate(operation.input, input)), patience);
    },
    async run(name, caller, input) {
      const { operation, execute } = requireAccess(name, caller);
      // What comes as bytes takes as long as it takes.
      return operation.wire === 'http' ? execute(caller, input) : withDeadline(execute(caller, input), patience);
    },
  };
}

/** The contract types make sure that the function is there; only its exact type is lost on the way by name. */
function runOf(services: Services, name: string, { access }: Operation): Run {
  const [feature, short] = name.split('.') as [keyof Services, string];
  const service = services[feature] as unknown as Record<string, Run>;
  const run = service[short] as Run;
  if (access !== 'fresh') return run;
  return async (caller, input) => {
    await services.sessions.requireFresh(caller as Caller);
    return run(caller, input);
  };
}
