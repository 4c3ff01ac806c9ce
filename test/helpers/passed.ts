/** Which places of the code were passed, as V8 counts them. */
import { Session, type Profiler } from 'node:inspector';
import { basename, extname } from 'node:path';

export interface Place {
  /** The file, and how the code goes on from there. */
  text: string;
  isPassed: boolean;
}

/** From now on V8 counts. What it gives ends that, and says of each place that an expression finds in files with fitting addresses whether it was passed. */
export async function watchCode(): Promise<(files: RegExp, place: RegExp) => Promise<Place[]>> {
  const session = new Session();
  session.connect();
  const post = <T>(method: string, parameters: object = {}): Promise<T> =>
    new Promise((resolve, reject) => session.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result as T))));
  await post('Profiler.enable');
  await post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  return async (files, place) => {
    const { result } = await post<Profiler.TakePreciseCoverageReturnType>('Profiler.takePreciseCoverage');
    await post('Profiler.disable');
    await post('Debugger.enable');
    const places: Place[] = [];
    for (const script of result.filter(({ url }) => files.test(url))) {
      const { scriptSource } = await post<{ scriptSource: string }>('Debugger.getScriptSource', { scriptId: script.scriptId });
      for (const { index } of scriptSource.matchAll(place)) {
        places.push({ text: `${basename(script.url, extname(script.url))}: ${scriptSource.slice(index, index + 80).replaceAll(/\s/g, '')}`, isPassed: countAt(script, index) > 0 });
      }
    }
    session.disconnect();
    return places;
  };
}

/** Of the ranges that a place is in the smallest says how often it was passed. */
function countAt({ functions }: Profiler.ScriptCoverage, place: number): number {
  const around = functions.flatMap(({ ranges }) => ranges).filter(({ startOffset, endOffset }) => startOffset <= place && place < endOffset);
  return around.sort((a, b) => a.endOffset - a.startOffset - (b.endOffset - b.startOffset))[0]?.count ?? 0;
}
