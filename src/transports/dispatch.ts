/** From the name of an operation to its answer: the one path that every wire takes. */
import { operations, requireOperation, type OperationName } from '../contracts.ts';
import type { Caller, Guest, Operation } from '../core/contract.ts';
import { withDeadline } from '../core/deadline.ts';
import { AppError } from '../core/errors.ts';
import { validate } from '../core/validate.ts';
import type { Services } from '../services.ts';

export interface Dispatch {
  /**
   * Name → access → validation → run, for wires that hand over whatever they were sent.
   * @throws UNKNOWN_OPERATION, UNAUTHENTICATED, VALIDATION_FAILED, and what the operation itself throws
   */
  call(name: string, caller: Guest | Caller, input: unknown): Promise<unknown>;
  /** The same for input that the wire has checked against the operation's schema already. */
  run(name: OperationName, caller: Guest | Caller, input: object): Promise<unknown>;
}

/** Milliseconds after which a caller is answered in any case; long enough for the longest queue of password hashes. */
const patience = 30_000;

type Run = (caller: Guest | Caller, input: unknown) => Promise<unknown>;

export function createDispatch(services: Services): Dispatch {
  const runs = new Map([...operations.keys()].map((name) => [name, findFunction(services, name)]));
  const run = (name: string, operation: Operation, caller: Guest | Caller, input: unknown): Promise<unknown> => {
    requireAccess(operation, caller);
    const execute = runs.get(name);
    if (!execute) throw new AppError('UNKNOWN_OPERATION');
    return withDeadline(execute(caller, input), patience);
  };

  return {
    async call(name, caller, input) {
      const operation = operations.get(name);
      if (!operation) throw new AppError('UNKNOWN_OPERATION');
      requireAccess(operation, caller);
      return run(name, operation, caller, validate(operation.input, input));
    },
    run: async (name, caller, input) => run(name, requireOperation(name), caller, input),
  };
}

function requireAccess(operation: Operation, caller: Guest | Caller): void {
  if (operation.access !== 'anyone' && !('userId' in caller)) throw new AppError('UNAUTHENTICATED');
}

/** The contract types make sure that the function is there; only its exact type is lost on the way by name. */
function findFunction(services: Services, name: string): Run {
  const [feature, short] = name.split('.') as [keyof Services, string];
  return (services[feature] as unknown as Record<string, Run>)[short] as Run;
}
