import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { excerpt, run } from './command.mjs'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']

/** WebGL2 by software, and none of the browser's own traffic. */
export const CHROMIUM_ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Where Chrome or Chromium is: `CHROME_PATH`, else the first on the PATH; null when there is none. */
export function findChromium() {
  return process.env.CHROME_PATH || findOnPath(NAMES)
}

/** The first of these programs that the PATH leads to; null when there is none. */
export function findOnPath(names) {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable) ?? null
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(error.code)) return false
    throw error
  }
}

/**
 * Install the system's Chromium, where this user may.
 * @throws {Error} that says what to install by hand
 */
export async function installChromium() {
  const advice =
    'Install Chromium or Chrome (Debian, Ubuntu: apt-get install chromium), or set CHROME_PATH to its file.'
  const hasApt = (await run('apt-get', ['--version'], { quiet: true })).status === 0
  if (!hasApt || process.getuid?.() !== 0) throw new Error(`No Chrome or Chromium on the PATH. ${advice}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Without a font of its own the browser draws boxes for letters.
  for (const step of [['update'], ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation']]) {
    const { status, output } = await run('apt-get', ['-q', ...step], { env, quiet: true })
    if (status !== 0) throw new Error(`apt-get ${step[0]} failed with status ${status}. ${advice}\n${excerpt(output)}`)
  }
}
