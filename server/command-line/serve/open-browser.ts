import { spawn } from 'node:child_process'
import type { Surroundings } from '../../process/config.ts'

/** A program that was started, did not fail at once, and goes on without us. */
const FAILS_WITHIN_MS = 1_500

/**
 * Open an address with the user's browser. Other users can read it in the list of processes: no secret in it.
 * @returns whether that was begun
 */
export function openBrowser(url: string, { browser }: Surroundings, platform = process.platform): Promise<boolean> {
  const [program, ...args] = browser === null ? openerOf(platform) : [browser]
  if (program === undefined) return Promise.resolve(false)
  const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true })
  child.unref()
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), FAILS_WITHIN_MS)
    const settle = (isOpened: boolean) => {
      clearTimeout(timer)
      resolve(isOpened)
    }
    child.once('error', () => settle(false))
    child.once('exit', (status) => settle(status === 0))
  })
}

/** The system's own way. On Windows not through a shell, to which `&` in an address would be another command. */
function openerOf(platform: NodeJS.Platform): string[] {
  if (platform === 'darwin') return ['open']
  return platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler'] : ['xdg-open']
}
