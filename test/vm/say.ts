// Why: what the guest's runner itself has to say goes to standard error, marked as its own.

export function say(text: string): void {
  process.stderr.write(`vm: ${text}\n`);
}
