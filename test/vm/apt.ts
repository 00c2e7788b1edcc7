// Why: some of what the guest is made of is fetched from Debian by a host that need not be of the same release: what
// layer.ts adds, the kernel's source. This file has apt do so (find out what is needed, fetch, verify) with a state of
// its own, so that nothing of the host's apt is used or changed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianMirror, KEYRING } from './image.js';

/**
 * Makes it in `work`, whose `cache/archives` is where packages come to lie. It knows of the packages of that suite, and
 * takes those for installed that `status` names (dpkg's file; none where it is left out). Returns the words before a
 * command of apt's.
 */
export function privateApt(work: string, suite: string, status?: string): readonly string[] {
  for (const folder of ['lists/partial', 'cache/archives/partial', 'none']) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  writeFileSync(
    join(work, 'sources.list'),
    `deb [signed-by=${KEYRING}] ${debianMirror()} ${suite} main\n`,
  );
  writeFileSync(join(work, 'no-status'), '');
  const settings: Readonly<Record<string, string>> = {
    'Dir::Etc::main': '/dev/null',
    'Dir::Etc::parts': join(work, 'none'),
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': join(work, 'none'),
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': join(work, 'none'),
    'Dir::State::lists': join(work, 'lists'),
    'Dir::State::status': status ?? join(work, 'no-status'),
    'Dir::State::extended_states': join(work, 'extended_states'),
    'Dir::Cache': join(work, 'cache'),
    'Dir::Log': work,
    'APT::Sandbox::User': '', // the folder is only this user's
    'APT::Install-Recommends': 'false',
    'Acquire::Languages': 'none',
    'Debug::NoLocking': 'true', // what dpkg locks is not touched
  };
  const config = join(work, 'apt.conf');
  writeFileSync(
    config,
    Object.entries(settings)
      .map(([name, value]) => `${name} "${value}";\n`)
      .join(''),
  );
  return ['env', `APT_CONFIG=${config}`];
}
