/** Every operation, tried by every kind of person at the doors they come through: they get what the matrix says, and learn nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { operations } from '../../src/contracts.ts';
import { hasMethod, hasRoute, restOf, socketAt, type Answer, type Door } from '../helpers/matrix.doors.ts';
import { matrix, type Row } from '../helpers/matrix.ts';
import { buildWorld, type Kind, type Scene, type Someone, type World } from '../helpers/matrix.world.ts';

/** One row of an operation, tried by one kind of person. */
interface Cell {
  name: string;
  row: Row;
  who: Someone;
}

interface Trial extends World {
  doors: { rest: Door; socket: Door };
  /** What each was told by answers that were no refusals. */
  told: Map<Kind, string>;
  /** Every cell in which something else came than the matrix says. */
  faults: string[];
}

/** People who are in nothing that the matrix aims at. */
const outsiders = new Set<Kind>(['left', 'removed', 'banned', 'stranger', 'suspended', 'anonymous']);

test('every operation stands in the matrix, and nothing else does', () => {
  assert.deepEqual(Object.keys(matrix).sort(), [...operations.keys()].sort());
  for (const [name, rows] of Object.entries(matrix)) assert.ok(rows.length > 0, name);
});

test('everybody gets what the matrix says, and nobody learns what is not theirs to know', async (t) => {
  const world = await buildWorld(t);
  const { url } = world.server;
  const trial: Trial = { ...world, doors: { rest: restOf(url), socket: socketAt(url) }, told: new Map(), faults: [] };
  const planted = [...world.secrets];
  const rows = Object.entries(matrix).flatMap(([name, all]) => all.map((row) => ({ row, cells: world.everyone.map((who): Cell => ({ name, row, who })) })));
  const scenes = new Map(await Promise.all(rows.filter(({ row }) => row.destroys).map(async ({ row }) => [row, await world.another()] as const)));
  await world.beginListening();

  for (const { row, cells } of rows) {
    // Refusals first: whoever may do it may change what others get.
    await Promise.all(cells.filter((cell) => !isAllowed(cell)).map((cell) => tryRefused(trial, cell)));
    await Promise.all(cells.filter(isAllowed).map((cell) => tryAllowed(trial, cell, scenes.get(row) ?? world.scene)));
  }

  assert.deepEqual(trial.faults, []);
  for (const { text, knownTo } of planted) for (const kind of knownTo) assert.ok(trial.told.get(kind)?.includes(text), `${kind} was told of ${text}, which shows that it could be told`);
  await requireDiscretion(world);
});

const isAllowed = ({ row, who }: Cell): boolean => row.gets[who.kind] === 'ok';

/** Once more with ids of nothing: to whom it is not theirs the answer is the same, byte for byte. */
async function tryRefused(trial: Trial, cell: Cell): Promise<void> {
  const { name, row, who } = cell;
  const { still, ghosts, hold, doors } = trial;
  const input = await row.input(still, who, hold);
  const [answer] = await Promise.all(
    doorsOf(trial, cell).map(async (door) => {
      const given = await door(name, input, who);
      check(trial, cell, { input, answer: given });
      return given;
    }),
  );
  const outcome = row.gets[who.kind];
  const isNotTheirs = outsiders.has(who.kind) || outcome.endsWith('_NOT_FOUND');
  if (!answer || !isNotTheirs || outcome === 'UNAUTHENTICATED' || row.tells !== undefined) return;
  const ghost = outcome === 'MESSAGE_NOT_FOUND' ? ghosts.messages : outcome === 'MEMBER_NOT_FOUND' ? ghosts.people : ghosts.everything;
  compare(trial, cell, answer, await (hasRoute(name) ? doors.rest : doors.socket)(name, await row.input(ghost, who, hold), who));
}

/** Strangers try both doors; the others take the usual one. */
const doorsOf = ({ doors }: Trial, { name, who }: Cell): Door[] => (!hasRoute(name) ? [doors.socket] : who.kind === 'stranger' && hasMethod(name) ? [doors.rest, doors.socket] : [doors.rest]);

async function tryAllowed(trial: Trial, cell: Cell, scene: Scene): Promise<void> {
  const { name, row, who } = cell;
  const { ghosts, hold, doors, told } = trial;
  const input = await row.input(scene, who, hold);
  const door = hasRoute(name) ? doors.rest : doors.socket;
  const asked = row.endsSession && who.isSignedIn ? { ...who, token: (await hold.newSession(who.person)).accessToken } : who;
  const answer = await door(name, input, asked);
  check(trial, cell, { input, answer });
  told.set(who.kind, `${told.get(who.kind) ?? ''}${answer.text}`);
  if (row.answersAlike && outsiders.has(who.kind)) compare(trial, cell, answer, await door(name, await row.input(ghosts.everything, who, hold), asked));
}

/** It is what the matrix says, and tells no secret but those that the question had in it. */
function check({ secrets, faults }: Trial, { name, row, who: { kind } }: Cell, { input, answer: { got, text } }: { input: object; answer: Answer }): void {
  const where = `${kind}: ${name}, ${row.at}`;
  if (got !== row.gets[kind]) faults.push(`${where}: ${got} instead of ${row.gets[kind]}, ${text.slice(0, 200)}`);
  const asked = JSON.stringify(input);
  for (const secret of secrets) if (!secret.knownTo.includes(kind) && text.includes(secret.text) && !asked.includes(secret.text)) faults.push(`${where}: tells ${secret.text} in ${text}`);
}

function compare({ faults }: Trial, { name, row, who }: Cell, mine: Answer, ghostly: Answer): void {
  if (mine.comparable !== ghostly.comparable) faults.push(`${who.kind}: ${name}, ${row.at}: can tell that it exists, by ${mine.comparable} instead of ${ghostly.comparable}`);
}

/** By now everybody's account is removed and their sockets are closed: this is all they have heard. */
async function requireDiscretion({ everyone, secrets, scene }: World): Promise<void> {
  for (const { kind, socket } of everyone) {
    if (!socket) continue;
    await socket.closed;
    const heard = socket.events.map((event) => JSON.stringify(event));
    for (const { text, knownTo } of secrets) if (!knownTo.includes(kind)) assert.deepEqual(heard.filter((frame) => frame.includes(text)), [], `${kind} hears nothing of ${text}`);
    assert.equal(heard.some((frame) => frame.includes(scene.group)), !outsiders.has(kind), `${kind} hears of the group, or does not`);
    if (kind !== 'suspended') assert.ok(heard.length > 0, `${kind} was listening`);
  }
}
