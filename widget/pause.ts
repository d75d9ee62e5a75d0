/** @returns true when the signal ended the wait */
export function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(true)
    const stop = () => {
      clearTimeout(timer)
      resolve(true)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve(false)
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
