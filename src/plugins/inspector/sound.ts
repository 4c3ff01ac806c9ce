/** Sound and video: how long it takes, as far as the container says it. */
import { parseFile, type IFormat } from 'music-metadata';

export interface Recording {
  /** In seconds. */
  duration?: number;
  /** Whether there is a picture that moves; absent where that cannot be told. */
  moves?: boolean;
}

/** Nothing where it cannot be read: people send what only their own programs understand. */
export async function measureRecording(path: string): Promise<Recording> {
  const { duration, hasVideo }: Partial<IFormat> = await parseFile(path, { skipCovers: true, skipPostHeaders: true }).then(({ format }) => format, () => ({}));
  return {
    ...(duration !== undefined && Number.isFinite(duration) && { duration: Math.round(duration * 1000) / 1000 }),
    ...(hasVideo !== undefined && { moves: hasVideo }),
  };
}
