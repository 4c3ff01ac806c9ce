/** The load generator, a process of its own: does one job after the other as the benchmark asks. */
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './asking.ts';
import { createMeter } from './cpu.ts';
import type { Flood, Idle, Job, Pace, Reply, Results, TrafficResult } from './jobs.ts';
import { percentiles } from './statistics.ts';
import { openTraffic, type Traffic } from './traffic.ts';
import { connect } from './websocket.ts';

async function flood(job: Flood): Promise<TrafficResult> {
  const traffic = await openTraffic(job.lines, (sender) => traffic.send(sender));
  for (let sender = 0; sender < traffic.senders; sender++) {
    for (let count = 0; count < job.inFlight; count++) traffic.send(sender);
  }
  return measure(traffic, job);
}

async function pace(job: Pace): Promise<TrafficResult> {
  const traffic = await openTraffic(job.lines, () => undefined);
  const began = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1000) * job.perSecond);
    while (sent < due) traffic.send(sent++ % traffic.senders);
  }, 1);
  return measure(traffic, job).finally(() => clearInterval(timer));
}

/** A speed that the count of messages has ended early would be too low, never too high. */
async function measure(traffic: Traffic, { warmUp, measured, watched }: Flood | Pace): Promise<TrafficResult> {
  await delay(warmUp * 1000);
  traffic.takeLatencies();
  const meter = createMeter(watched);
  const began = performance.now();
  await delay(measured * 1000);
  const latencies = traffic.takeLatencies();
  const seconds = (performance.now() - began) / 1000;
  const cpu = meter.shares();
  await traffic.finish();
  const [p50 = NaN, p95 = NaN, p99 = NaN] = percentiles(latencies, [50, 95, 99]);
  return { deliveredPerSecond: latencies.length / seconds, p50, p95, p99, cpu };
}

async function idle({ endpoints, perSecond }: Idle): Promise<undefined> {
  const began = performance.now();
  const opening: Promise<unknown>[] = [];
  for (const endpoint of endpoints) {
    await delay(Math.max(0, began + (opening.length / perSecond) * 1000 - performance.now()));
    opening.push(connect(endpoint, { onReceived: () => undefined, onLost: fail }));
  }
  await Promise.all(opening);
}

/** An idle connection that ends is no idle connection: there is nothing left to measure. */
function fail(reason: string): never {
  throw new Error(`an idle websocket was lost: ${reason}`);
}

async function run(job: Job): Promise<Results[Job['kind']]> {
  switch (job.kind) {
    case 'flood':
      return flood(job);
    case 'pace':
      return pace(job);
    case 'idle':
      return idle(job);
    case 'ask':
      return ask(job);
  }
}

const reply = (answer: Reply): void => void process.send?.(answer);

process.on('message', (job: Job) => {
  run(job).then(
    (result) => reply({ result }),
    (error: unknown) => reply({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
