/** A bus that nobody listens to, for services that are built without a server. */
import type { Bus } from '../../src/core/bus.ts';

export const silentBus: Bus = { publish: () => undefined, isHeard: () => false, join: () => undefined, restrict: () => undefined, reveal: () => undefined, endSession: () => undefined };
