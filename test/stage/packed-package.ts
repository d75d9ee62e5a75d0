import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const CACHE = resolve(import.meta.dirname, '../../node_modules/.cache/packed')

/** One published package: bundles that web pages load as they are. */
export type PackedPackage = { name: string; version: string; integrity: string }

/** Widget manager of pages that nbconvert makes, and of Colab. */
export const HTML_MANAGER: PackedPackage = {
  name: '@jupyter-widgets/html-manager',
  version: '1.0.15',
  integrity: 'sha512-5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==',
}

/** The widget manager that VS Code loads. */
export const VSCODE_WIDGETS: PackedPackage = {
  name: '@vscode/jupyter-ipywidgets8',
  version: '1.0.9',
  integrity: 'sha512-bocCThfa4JDIDd7qCFAfW3HpzHfTLYxOTpTbiDfw4DXOUjKHnr6ObkMBiIkuzYPRybh5bY4FhYLemuDuTvIbpQ==',
}

export const REQUIRE_JS: PackedPackage = {
  name: 'requirejs',
  version: '2.3.8',
  integrity: 'sha512-7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==',
}

/** The page of Solara. */
export const SOLARA_PAGE: PackedPackage = {
  name: '@widgetti/solara-vuetify3-app',
  version: '5.2.0',
  integrity: 'sha512-9UMyjf9KASR9PucZ7848upx1gqOqlUnG5Hh5or5CTaN/Um+AxAHQGwv8x4fFJzco/OaccsWdtsqb3bmYAnBo+Q==',
}

/**
 * The package's own files, without what it depends on: an install would bring a hundred packages for one bundle, and
 * not all of their versions fit together. Fetched once by npm, then kept beside the installed packages.
 * @returns the folder with its `package.json`
 * @throws when npm cannot fetch it, or its bytes are not the expected ones
 */
export function unpackedPackage({ name, version, integrity }: PackedPackage): string {
  const folder = join(CACHE, `${name.replaceAll(/[@/]/g, '_')}-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const work = mkdtempSync(join(CACHE, 'fetch-'))
  try {
    execFileSync('npm', ['pack', `${name}@${version}`, '--pack-destination', work, '--loglevel=error'], {
      stdio: 'pipe',
    })
    const [tarball] = readdirSync(work)
    if (tarball === undefined) throw new Error(`npm pack ${name}@${version} left no file`)
    const found = `sha512-${createHash('sha512')
      .update(readFileSync(join(work, tarball)))
      .digest('base64')}`
    if (found !== integrity) throw new Error(`${name}@${version} has integrity ${found}, not ${integrity}`)
    execFileSync('tar', ['-xzf', join(work, tarball), '-C', work], { stdio: 'pipe' })
    renameSync(join(work, 'package'), folder)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return folder
}
