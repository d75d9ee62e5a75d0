import { findOnPath } from './chromium.mjs'

/** Where Firefox is: `FIREFOX_PATH`, else the first on the PATH; null when there is none. */
export function findFirefox() {
  return process.env.FIREFOX_PATH ?? findOnPath(['firefox-esr', 'firefox'])
}

/** Why Firefox cannot be driven here, and what to do; null where it can. Without a display it has no WebGL2. */
export function whyNoFirefox() {
  const missing = [findFirefox() === null ? 'Firefox' : null, findOnPath(['Xvfb']) === null ? 'Xvfb' : null]
  const names = missing.filter((name) => name !== null).join(' and ')
  if (names === '') return null
  return `without ${names}; install it (Debian: apt-get install firefox-esr xvfb), or set FIREFOX_PATH`
}
