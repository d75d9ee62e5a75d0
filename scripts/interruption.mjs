/**
 * Wait for Ctrl+C or the end of the terminal, so that what was started can be ended first.
 * @returns {Promise<string>} the signal's name
 */
export function interruption() {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, done)
  })
}
