/** Runs in a process of its own, so that its work slows no server down: sends many logins at once, and prints how each was answered, in the order of the answers. */
import { Agent, request } from 'node:http';

const [url = '', count = '0'] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
const answers: { status: number; code: string; retryAfter: string | undefined }[] = [];

const login = (index: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const sent = request(`${url}/auth/login`, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        answers.push({ status: response.statusCode ?? 0, code: (JSON.parse(body) as { code: string }).code, retryAfter: response.headers['retry-after'] });
        resolve();
      });
    });
    sent.on('error', reject).end(JSON.stringify({ email: `nobody-${index}@example.org`, password: 'wrong horse' }));
  });

await Promise.all(Array.from({ length: Number(count) }, (_, index) => login(index)));
agent.destroy();
console.log(JSON.stringify(answers));
