/** Many logins at once, from a process of their own: its work must slow no server down. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { codeFile, loader } from './code.ts';

export interface Answered {
  status: number;
  code: string;
  retryAfter?: string;
}

/** So many logins at once; their answers in the order in which they came. */
export async function flood(url: string, count: number): Promise<Answered[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [...loader, codeFile('test/helpers/flood.client.ts'), url, String(count)], { maxBuffer: 16 * 1024 * 1024 });
  return JSON.parse(stdout) as Answered[];
}
