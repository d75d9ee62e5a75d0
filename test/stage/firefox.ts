import { type ChildProcess, spawn } from 'node:child_process'
import { type Browser, firefox } from 'playwright-core'
import { TIED_TO_US } from '../../scripts/command.mjs'
import { findFirefox, whyNoFirefox } from '../../scripts/firefox.mjs'

const SCREEN = '1280x1024x24'

/** Names of tests lead to this machine. */
const PREFERENCES = { 'network.dns.localDomains': 'lab.example.test,hub.example.test' }

/** Mozilla's own Firefox on a display of its own, drawing by software: without a display it has no WebGL2. */
export async function launchFirefox(): Promise<Browser> {
  const missing = whyNoFirefox()
  if (missing !== null) throw new Error(`Nothing can be seen in Firefox, ${missing}`)
  const display = await startDisplay()
  try {
    const browser = await firefox.launch({
      channel: 'moz-firefox', // what any Firefox speaks: WebDriver BiDi
      executablePath: findFirefox() ?? '',
      headless: false,
      env: { ...process.env, DISPLAY: display.name },
      firefoxUserPrefs: PREFERENCES,
    })
    browser.on('disconnected', () => display.process.kill())
    skipUnknownCommands(browser)
    return browser
  } catch (error) {
    display.process.kill()
    throw error
  }
}

/** A screen in memory, under the first number that is free. */
async function startDisplay(): Promise<{ name: string; process: ChildProcess }> {
  const line = [...TIED_TO_US, 'Xvfb', '-displayfd', '3', '-screen', '0', SCREEN, '-nolisten', 'tcp']
  const started = spawn(line[0] ?? '', line.slice(1), { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  const number = await new Promise<string>((resolve, reject) => {
    started.stdio[3]?.once('data', (told: Buffer) => resolve(told.toString().trim()))
    started.once('error', reject)
    started.once('exit', (status) => reject(new Error(`Xvfb ended with status ${status}`)))
  })
  return { name: `:${number}`, process: started }
}

type BidiSession = { send(method: string, parameters?: object): Promise<unknown> }
type DrivenBrowser = { _connection: { toImpl(browser: Browser): { _browserSession: BidiSession } } }

/** The driver opens each context with one command that an ESR does not know yet; its answer is not needed. */
function skipUnknownCommands(browser: Browser): void {
  const session = (browser as unknown as DrivenBrowser)._connection.toImpl(browser)._browserSession
  const send = session.send.bind(session)
  session.send = async (method, parameters) =>
    method === 'emulation.setMediaFeaturesOverride' ? {} : await send(method, parameters)
}
