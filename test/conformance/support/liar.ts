/**
 * A driver that lies: it has the TypeScript one do what is asked, and alters one answer on its way.
 *
 *   liar.js COMMAND PATH VALUE     `liar.js peek ok.bytes '"ff"'`
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { TYPESCRIPT } from '../../../conformance/places.js';

const [command = '', path = '', value = 'null'] = process.argv.slice(2);
const honest = spawn('sh', ['-c', `exec ${TYPESCRIPT}`], { stdio: ['pipe', 'pipe', 'inherit'] });
const asked: string[] = [];

createInterface(process.stdin)
  .on('line', (line) => {
    asked.push((JSON.parse(line) as { do: string }).do);
    honest.stdin.write(`${line}\n`);
  })
  .on('close', () => honest.stdin.end());

type Fields = { [name: string]: Fields };

/** The field is there in every such answer from now on; what lacks the way to it stays what it is. */
function altered(answer: Fields): Fields {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at: Fields | undefined = answer;
  for (const name of names) at = at?.[name];
  if (typeof at === 'object' && at !== null) at[last] = JSON.parse(value) as Fields;
  return answer;
}

createInterface(honest.stdout).on('line', (line) => {
  const isLie = asked.shift() === command;
  console.log(isLie ? JSON.stringify(altered(JSON.parse(line) as Fields)) : line);
});
