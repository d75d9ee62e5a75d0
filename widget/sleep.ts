/** A page that was hidden for longer may have slept, and the server it speaks to with it. */
const SLEEP_MS = 60_000

/** Tell of each return from an absence that may have been a sleep. */
export function watchSleep(tell: () => void, signal: AbortSignal): void {
  let hiddenAt = Number.POSITIVE_INFINITY
  const look = () => {
    if (document.visibilityState === 'hidden') hiddenAt = performance.now()
    else if (performance.now() - hiddenAt > SLEEP_MS) tell()
  }
  document.addEventListener('visibilitychange', look, { signal })
}
