// Why: the guest is given its command as a shell script. This file writes it such that every
// argument and variable arrives byte for byte.

/**
 * A script that becomes the command. A single argument is a shell command line, as with npm's
 * own scripts (`'a | b'`); more than one are a program and its arguments.
 */
export function commandScript(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): string {
  const [first, ...rest] = argv;
  if (first === undefined || first === '') throw new RangeError('There is no command to run');
  const variables = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new RangeError(`${JSON.stringify(name)} is no name of a variable`);
    }
    return `export ${name}=${quoted(value)}`;
  });
  const command = rest.length === 0 ? ['sh', '-c', first] : argv;
  return [...variables, `exec ${command.map(quoted).join(' ')}`, ''].join('\n');
}

/** In single quotes a shell changes nothing. */
export function quoted(text: string): string {
  if (text.includes('\0')) throw new RangeError('An argument cannot contain a NUL byte');
  return `'${text.replaceAll("'", "'\\''")}'`;
}
