/** How a completion script asks the daemon for names, such as those of its buffers. */
import { KNOWN, KNOWN_HEADS, type Known } from '../definition.js';

const FIRST_COLUMN = `awk '!on { on = $1 ~ /^(${KNOWN_HEADS.join('|')})$/; next } !seen[$1]++ { print $1 }'`;

/** For each kind a command line that prints the names; `program` runs dmabrokerctl in that shell. */
export function knownNames(program: string): [what: Known, commandLine: string][] {
  const kinds = Object.entries(KNOWN) as [Known, string][];
  return kinds.map(([what, command]) => [
    what,
    `${program} ${command} 2>/dev/null | ${FIRST_COLUMN}`,
  ]);
}
