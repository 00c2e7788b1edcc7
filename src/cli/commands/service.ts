/** `dmabrokerctl doctor`, `restart`: the daemon as a service of this machine. */
import { packageVersion } from '../../package-root.js';
import type { Health } from '../../rest/contract.js';
import { type Common, common, type MakeCommand } from '../command.js';
import type { Finding } from '../doctor/finding.js';
import { EXIT_REFUSED, Unreachable, Usage } from '../failure.js';
import { printJson, printLines, say } from '../output.js';
import { printable } from '../printable.js';
import type { Ran } from '../service.js';

export const serviceCommands: MakeCommand = (program) => {
  program
    .command('doctor')
    .description('what is wrong on this machine, and the command that mends it')
    .action(async (_, command) => {
      const { rest, json } = common(command);
      const { examine } = await import('../doctor/checks.js');
      const { thisMachine } = await import('../doctor/machine.js');
      const findings = await examine(thisMachine(rest, packageVersion()));
      if (json) printJson(findings);
      else printFindings(findings);
      if (findings.some(({ level }) => level === 'wrong')) process.exitCode = EXIT_REFUSED;
    });
  program
    .command('restart')
    .description('check the configuration, and if it is good restart the daemon')
    .action((_, command) => restart(common(command)));
};

const MARKS: Readonly<Record<Finding['level'], string>> = {
  good: 'ok',
  note: 'note',
  wrong: 'WRONG',
};

function printFindings(findings: readonly Finding[]): void {
  printLines(
    findings.flatMap(({ about, level, text, mend }) => [
      printable(`${MARKS[level].padEnd(6)}${about}: ${text}`),
      ...(mend === null ? [] : [printable(`      → ${mend}`)]),
    ]),
  );
}

async function restart({ rest, json }: Common): Promise<void> {
  const { place } = rest.target;
  if (!('socketPath' in place)) throw new Usage('restart is for this machine: it takes no --url');
  const { Service } = await import('../service.js');
  const service = Service.at(place.socketPath, process.env);
  const state = service.state();
  if (state.LoadState !== 'loaded') {
    throw new Usage(`systemd has no unit dmabrokerd${service.ofUser ? ' of yours' : ''} here`);
  }
  const checked = service.check(state);
  if (checked?.status !== 0) {
    throw new Usage(`${saidBy(checked)}\nnothing was restarted: what runs goes on`);
  }
  const restarted = service.restart();
  if (restarted?.status !== 0) {
    const errors = service.lastErrors(3).join('\n');
    throw new Unreachable(`${saidBy(restarted)}\n${errors}`.trim());
  }
  // Type=notify: it serves when systemctl returns.
  const { version } = await rest.get<Health>('/healthz');
  if (json) printJson({ restarted: true, version });
  else say(`${saidBy(checked)}; restarted: dmabrokerd ${version} answers`);
}

const saidBy = (ran: Ran | null): string =>
  ran === null ? 'the program of the unit is not there' : `${ran.stdout}${ran.stderr}`.trim();
