/** Runs another program to its end: bounded in time, nothing of it on our terminal, its complaint as the error. */
import { spawn } from 'node:child_process';

export interface RunOptions {
  milliseconds: number;
  cwd?: string;
  /** ends the program at once */
  signal?: AbortSignal | undefined;
  onOutput?: (text: string) => void;
}

/** @throws Error with the program's last two lines of complaint */
export function run(command: string, parameters: string[], options: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, parameters, {
      cwd: options.cwd,
      signal: options.signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.milliseconds,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let complaint = '';
    let failure: Error | undefined;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      options.onOutput?.(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.once('error', (error) => (failure = error));
    // Not before it is gone: what it writes to is removed next.
    child.once('close', (code, signal) => {
      if (failure) reject(failure);
      else if (code === 0) resolve(output);
      else if (signal === 'SIGKILL') reject(new Error(`no end after ${options.milliseconds / 1000} seconds`));
      else reject(new Error(lastLines(complaint || output) || `it ended with ${signal ?? `exit code ${code ?? ''}`}`));
    });
  });
}

const lastLines = (text: string) => text.trim().split(/\s*\n\s*/).slice(-2).join(' ').slice(-300);
