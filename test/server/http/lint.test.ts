/** openapi.yaml has neither errors nor warnings by Redocly's rules; redocly.yaml has the exceptions. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { temporaryFolder } from '../../support/folder.js';
import { root } from './support/root.js';

interface Report {
  readonly totals: { readonly errors: number; readonly warnings: number };
  readonly problems: readonly { readonly ruleId: string }[];
}

function lint(cwd: string): Report {
  const program = join(root, 'node_modules/@redocly/cli/bin/cli.js');
  const run = spawnSync(process.execPath, [program, 'lint', 'openapi.yaml', '--format=json'], {
    cwd,
    encoding: 'utf8',
    // It looks for a newer version of itself otherwise.
    env: { PATH: process.env.PATH, HOME: cwd, CI: '1', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
  });
  return JSON.parse(run.stdout);
}

t.test('openapi.yaml', async (t) => {
  const { problems, totals } = lint(root);
  t.same(problems, []);
  t.match(totals, { errors: 0, warnings: 0 });
});

t.test('a schema that is not used would be found', async (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(root, 'redocly.yaml'), join(folder, 'redocly.yaml'));
  const text = readFileSync(join(root, 'openapi.yaml'), 'utf8');
  const unused = text.replace('\n  schemas:\n', '\n  schemas:\n    Unused: { type: string }\n');
  writeFileSync(join(folder, 'openapi.yaml'), unused);
  const { problems, totals } = lint(folder);
  t.match(problems, [{ ruleId: 'no-unused-components' }]);
  t.equal(totals.warnings, 1);
});
