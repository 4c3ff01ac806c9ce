/** A bus that nobody listens to, for services that are built without a server. */
import type { Bus } from '../../src/core/bus.ts';

export const silentBus: Bus = {
  publish: () => undefined,
  isHeard: () => false,
  isOutdated: () => false,
  listenersOf: () => [],
  join: () => undefined,
  restrict: () => new Set(),
  reveal: () => Infinity,
  watch: () => undefined,
  unwatch: () => undefined,
  isPressed: () => false,
  endSession: () => undefined,
};
