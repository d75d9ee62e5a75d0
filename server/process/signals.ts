const ENDING_SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGXCPU'] as const
/** Without a listener the first would open Node's inspector to every user of the machine, the second end the process. */
const STRAY_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const

/**
 * What the system and job schedulers send: some signals end the process in good order, others are meant for somebody
 * else's process group and are ignored.
 * @param end called with the name of the first signal that asks this process to end
 */
export function handleSignals(end: (signal: string) => void): void {
  for (const signal of ENDING_SIGNALS) if (isKnownHere(signal)) process.once(signal, () => end(signal))
  for (const signal of STRAY_SIGNALS) if (isKnownHere(signal)) process.on(signal, () => undefined)
}

/** Windows knows neither CPU limits nor user signals. */
function isKnownHere(signal: NodeJS.Signals): boolean {
  return process.platform !== 'win32' || signal === 'SIGTERM' || signal === 'SIGHUP'
}
