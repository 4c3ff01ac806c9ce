/** A device with its connection, which comes and goes, and may lose events. */
import type { TestApp } from '../helpers/app.ts';
import type { TestSocket } from '../helpers/socket.ts';
import { Device } from './device.ts';
import type { SignedIn } from './people.ts';

export interface Setting {
  /** Two apps on one database: what happens in one is heard in the other by sync alone. Twice the same is one process. */
  apps: readonly [TestApp, TestApp];
  people: readonly SignedIn[];
  /** Messages in an answer to a sync at most. */
  limit: number;
  /** Whether any frame is lost. */
  loses: boolean;
  /** Whether the event of this method that a device, by number, hears as its nth is lost. The same each time. */
  isLost: (device: number, method: string, nth: number) => boolean;
  openSocket: (url: string, person: SignedIn) => Promise<TestSocket>;
}

/** Otherwise events alone keep a device up to date: nothing is lost, and there is no other process whose changes are in none. */
export const mayMiss = ({ apps, loses }: Setting): boolean => apps[0] !== apps[1] || loses;

export class Online {
  readonly device: Device;
  readonly person: SignedIn;
  readonly #url: string;
  readonly #setting: Setting;
  readonly #number: number;
  readonly #heard = new Map<string, number>();
  #socket: TestSocket | undefined;

  constructor(setting: Setting, { number, person, app }: { number: number; person: SignedIn; app: TestApp }) {
    this.device = new Device({ userId: person.id, limit: setting.limit, mayMiss: mayMiss(setting) });
    this.person = person;
    this.#url = app.url;
    this.#setting = setting;
    this.#number = number;
  }

  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  async connect(): Promise<void> {
    if (this.#socket) return;
    this.#socket = await this.#setting.openSocket(this.#url, this.person);
    await this.device.sync(this.#socket);
  }

  drop(): void {
    this.#socket?.webSocket.terminate();
    this.#socket = undefined;
  }

  /** Nothing where it is not connected, and so do the next two. */
  async look(): Promise<void> {
    if (this.#socket) await this.device.catchUp(this.#socket, (method) => this.#isLost(method));
  }

  async sync(): Promise<void> {
    if (this.#socket) await this.device.sync(this.#socket);
  }

  async syncFromFirst(): Promise<void> {
    if (this.#socket) await this.device.syncFromFirst(this.#socket);
  }

  #isLost(method: string): boolean {
    const nth = (this.#heard.get(method) ?? 0) + 1;
    this.#heard.set(method, nth);
    return this.#setting.isLost(this.#number, method, nth);
  }
}
