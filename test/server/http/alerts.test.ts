/**
 * docs/prometheus-rules.yml: promtool takes them, each alert fires where it should and is quiet where it
 * should, is in docs/metrics.md, and says what to do in commands that there are.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { load } from 'js-yaml';
import t from 'tap';
import { dmabrokerctl } from '../../../src/cli/program.js';
import { debianPrograms } from '../../support/debian-programs.js';
import { root } from './support/root.js';

interface Rule {
  readonly alert: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Case {
  readonly name: string;
  readonly promql_expr_test: readonly { exp_samples: readonly { labels: string }[] }[];
}

// Where it must be downloaded first.
t.setTimeout(300_000);
const program = await debianPrograms('prometheus');
const rulesFile = join(root, 'docs/prometheus-rules.yml');
const casesFile = join(root, 'test/server/http/support/alert-cases.yml');
const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8');
const { groups } = load(readFileSync(rulesFile, 'utf8')) as { groups: { rules: Rule[] }[] };
const { tests } = load(readFileSync(casesFile, 'utf8')) as { tests: Case[] };
const rules = groups.flatMap((group) => group.rules);

for (const args of [
  ['check', 'rules', rulesFile],
  ['test', 'rules', casesFile],
]) {
  const { status, stdout, stderr } = spawnSync(program('promtool'), args, { encoding: 'utf8' });
  t.equal(status, 0, `promtool ${args.slice(0, 2).join(' ')}: ${stdout}${stderr}`);
}

/** The command that a text names, and what is wrong with it. */
function problemOf(text: string): string | null {
  let command: Command = dmabrokerctl(() => {});
  for (const word of text.split(' ').slice(1)) {
    if (word.startsWith('--')) {
      if (!command.options.some(({ long }) => long === word)) return `${text}: no ${word}`;
      continue;
    }
    const next = command.commands.find((each) => each.name() === word);
    if (next !== undefined) command = next;
    else if (command.registeredArguments.length + command.options.length === 0)
      return `${text}: no ${word}`;
  }
  return command.parent === null ? `${text}: no command` : null;
}

t.test('a wrong command is found', async (t) => {
  t.equal(problemOf('dmabrokerctl holders ID'), null);
  for (const wrong of ['dmabrokerctl holdres ID', 'dmabrokerctl list --uid 7']) {
    t.type(problemOf(wrong), 'string', wrong);
  }
});

t.test('each', async (t) => {
  t.ok(rules.length >= 10);
  for (const { alert, annotations, labels, for: pause } of rules) {
    t.match(pause, /^\d+[mh]$/, `${alert} has a time that it waits`);
    t.match(labels.severity, /^(critical|warning|info)$/);
    t.match(page, `| \`${alert}\` | ${labels.severity} |`, `${alert} is in docs/metrics.md`);
    const commands = annotations.description.match(/(?<=`)dmabrokerctl[^`]*/g) ?? [];
    t.not(commands.length, 0, `${alert} says what to do`);
    for (const command of commands) t.equal(problemOf(command), null, command);

    const checks = tests
      .filter(({ name }) => name === alert)
      .flatMap((each) => each.promql_expr_test)
      .map(({ exp_samples }) => exp_samples.map((sample) => sample.labels));
    const fired = checks.flat();
    t.not(fired.length, 0, `${alert} is tried`);
    t.ok(
      checks.some((each) => each.length === 0),
      `${alert} is tried where it is quiet`,
    );
    const shown = Object.values(annotations)
      .join(' ')
      .matchAll(/\$labels\.(\w+)/g);
    for (const [, label = ''] of shown) {
      // That of nothing at all has no instance.
      t.ok(
        fired.every((each) => each.includes(`${label}=`) || !each.includes('instance=')),
        `${alert} has ${label}`,
      );
    }
  }
});
