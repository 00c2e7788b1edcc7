/**
 * Writes README's table of who can use the broker's memory, from the list that the tests run (test/support/proofs.ts). `--check`
 * writes nothing and fails where it is not up to date.
 *
 * Run after a build, in the repository's root: `node dist/scripts/generate-uses.js [--check]`.
 */
import { readFileSync } from 'node:fs';
import { PROOFS, type Proof } from '../test/support/proofs.js';
import { generated } from './generated.js';

const BEGIN =
  '<!-- Generated from test/support/proofs.ts by scripts/generate-uses.ts: do not edit. -->';
const END = '<!-- End of what is generated. -->';

/** Equal ones together. */
function differences(tolerance: Proof['tolerance']): string {
  const byValue = new Map<number, string[]>();
  for (const [format, value] of Object.entries(tolerance))
    byValue.set(value, [...(byValue.get(value) ?? []), format]);
  return [...byValue]
    .map(([value, formats]) => `${formats.join(', ')}: ${value === 0 ? 'none' : value}`)
    .join('; ');
}

function row({ who, what, page, command, reference, tolerance, test, guest }: Proof): string {
  const word = test.replace('.guest', '');
  const cells = [
    ...[`[${who}](${page})`, what, `\`${command}\``, reference, differences(tolerance)],
    ...[`\`npm run vm -- ${guest ?? `--for ${word}`}\``, `\`npm test -- ${word}\``],
  ];
  return `| ${cells.join(' | ')} |`;
}

const table = `${BEGIN}

| who | the memory is | a command | compared with | largest difference of 255 | a guest for it | shown by |
|---|---|---|---|---|---|---|
${Object.values(PROOFS).map(row).join('\n')}

${END}`;

const readme = readFileSync('README.md', 'utf8');
const [before, rest] = readme.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) throw new Error('README.md has no place for it');
generated('README.md', `${before}${table}${after}`, 'the list in test/support/proofs.ts');
