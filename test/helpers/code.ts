/** How another process runs this project's code: as these files run themselves, be it TypeScript or what is made of it. */
import { fileURLToPath } from 'node:url';

const isTypeScript = import.meta.filename.endsWith('.ts');

/** What Node is told before it can run the code. To know the lines of TypeScript would make each start of a server a fifth slower. */
export const loader: readonly string[] = isTypeScript ? ['--import', 'tsx'] : [];

/** The file that holds the code of one of this project: its path from the top, as `src/server.ts`. */
export function codeFile(path: string): string {
  return fileURLToPath(new URL(`../../${isTypeScript ? path : path.replace(/\.ts$/, '.js')}`, import.meta.url));
}
