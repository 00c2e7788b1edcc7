/** How much the service manager keeps for the daemon over a restart. */

/**
 * How many file descriptors it keeps (FileDescriptorStoreMax=, which systemd from 254 on tells in FDSTORE); 0: there is
 * no store, or no manager that could be given one.
 */
export function storeLimit(env: NodeJS.ProcessEnv): number {
  if (!env.NOTIFY_SOCKET) return 0;
  return /^\d{1,9}$/.test(env.FDSTORE ?? '') ? Number(env.FDSTORE) : 0;
}
