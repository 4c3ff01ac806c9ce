/** Checks every answer of a service and every event against its declaration, throughout the test suite. */
import { contracts, events, operations } from '../../src/contracts.ts';
import type { Bus } from '../../src/core/bus.ts';
import type { AnyEvent } from '../../src/core/contract.ts';
import { validatorOf } from '../../src/core/validate.ts';
import { endless } from '../../src/core/view.ts';
import type { Services } from '../../src/services.ts';

export class ContractBroken extends Error {
  override readonly name = 'ContractBroken';
}

function requireValid(what: string, schema: object | undefined, value: unknown): void {
  if (!schema) throw new ContractBroken(`${what} is not declared`);
  const check = validatorOf(schema, 'json');
  // What a peer gets is what JSON makes of it.
  if (!check(JSON.parse(JSON.stringify(value)))) throw new ContractBroken(`${what} does not match its contract: ${JSON.stringify(check.errors)} in ${JSON.stringify(value)}`);
}

type AnyFunction = (...parameters: unknown[]) => Promise<unknown>;

/** The services, failing whenever an answer is not what the contract says; `seen` gets the name of each operation that was answered. */
export function checkedServices(services: Services, seen: (operation: string) => void): Services {
  const checked = Object.entries(contracts).map(([feature, contract]) => {
    const service = { ...services[feature as keyof Services] } as unknown as Record<string, AnyFunction>;
    for (const name of Object.keys(contract.operations)) {
      const short = name.slice(name.indexOf('.') + 1);
      const original = service[short] as AnyFunction;
      service[short] = async (...parameters) => {
        const output = await original(...parameters);
        requireValid(`the answer of ${name}`, operations.get(name)?.output, output);
        seen(name);
        return output;
      };
    }
    return [feature, service] as const;
  });
  return Object.fromEntries<unknown>(checked) as unknown as Services;
}

/** The bus, failing whenever an event is not what the contract says; `seen` gets each of them. */
export function checkedBus(bus: Bus, seen: (topic: string, event: AnyEvent) => void): Bus {
  return {
    ...bus,
    publish(topic, event, audience) {
      const views = [{ fromSeq: 1, hidden: [] }, { fromSeq: Infinity, hidden: [] }, { fromSeq: 0, hidden: [{ from: 2, to: endless }] }];
      const veiled = views.flatMap((view) => audience?.veiled?.(view) ?? []);
      for (const one of [event, ...veiled]) requireValid(`the event ${one.name}`, events.get(one.name)?.payload, one.payload);
      seen(topic, event);
      bus.publish(topic, event, audience);
    },
  };
}
