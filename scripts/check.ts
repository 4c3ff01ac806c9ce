/** Runs the checks side by side. What each has to say is printed in one piece, once it is through. */
import { execFile } from 'node:child_process';

// The one that takes longest first: the others fit in beside it.
const checks = ['lint', 'types', 'knip', 'architecture'];

const passes = (name: string): Promise<boolean> =>
  new Promise((resolve) => {
    execFile('npm', ['run', '--silent', name], { maxBuffer: Infinity }, (error, stdout, stderr) => {
      process.stdout.write(stdout);
      process.stderr.write(stderr);
      resolve(!error);
    });
  });

const passed = await Promise.all(checks.map(passes));
process.exitCode = passed.every(Boolean) ? 0 : 1;
