import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'
import { CHROMIUM_ARGUMENTS, findChromium } from '../../scripts/jupyter-lab.mjs'

/** No page may keep anything: neither cookies nor storage. */
export const NO_STORAGE = { profile: { default_content_setting_values: { cookies: 2 } } }

/** A page of another site in a frame keeps its cookies. */
export const THIRD_PARTY_COOKIES = { profile: { cookie_controls_mode: 0, block_third_party_cookies: false } }

/** It keeps none. */
export const NO_THIRD_PARTY_COOKIES = { profile: { cookie_controls_mode: 1, block_third_party_cookies: true } }

/** What the browser keeps after its user was asked whether a site may reach this computer. */
export function loopbackPermission(origin: string, isGranted: boolean): object {
  const site = { [`${origin},*`]: { setting: isGranted ? 1 : 2 } }
  const exceptions = { local_network_access: site, loopback_network: site, local_network: site }
  return { profile: { content_settings: { exceptions } } }
}

/** A browser whose user has chosen these preferences; its profile goes when it closes. */
export async function launchProfile(
  preferences: object,
  extraArguments: readonly string[] = [],
): Promise<BrowserContext> {
  const executablePath = findChromium()
  if (executablePath === null) throw new Error('No Chromium on the PATH: install it, or set CHROME_PATH')
  const folder = mkdtempSync(join(tmpdir(), 'profile-'))
  mkdirSync(join(folder, 'Default'))
  writeFileSync(join(folder, 'Default/Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(folder, {
    executablePath,
    args: [...CHROMIUM_ARGUMENTS, ...extraArguments],
    chromiumSandbox: false,
    viewport: { width: 1200, height: 900 },
    ignoreHTTPSErrors: true,
  })
  context.on('close', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return context
}
