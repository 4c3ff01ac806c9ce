/** The MongoDB of a folder for a while: that of the server which runs there, or one of our own. */
import { claimDataDir } from './claim.ts';
import { answers } from './contact.ts';
import { startMongod, type MongodOptions } from './index.ts';
import { placesOf } from './places.ts';

export interface BorrowedMongod {
  uri: string;
  /** Leaves it to the server, or ends what was started. */
  giveBack(): Promise<void>;
}

/** @throws StartupError if a server holds the folder whose MongoDB does not answer, or if none can be started */
export async function borrowMongod(options: Omit<MongodOptions, 'onLost'>): Promise<BorrowedMongod> {
  const { socket, uri } = placesOf(options.dataDir);
  const claim = await claimDataDir(options.dataDir).catch(async (refusal: unknown) => {
    if (await answers(socket, uri)) return undefined;
    throw refusal;
  });
  if (!claim) return { uri, giveBack: () => Promise.resolve() };
  try {
    // Should it be lost, whoever uses it hears of that from its connection.
    const mongod = await startMongod({ ...options, onLost: () => undefined });
    return {
      uri: mongod.uri,
      async giveBack() {
        await mongod.stop();
        await claim.release();
      },
    };
  } catch (error) {
    await claim.release();
    throw error;
  }
}
