// `npm run pack`: the command line as an npm package, `dist/cellucid-notebook-VERSION.tgz`: its bundles and nothing to
// install beside them. It is marked private, so that `npm publish` refuses it.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { excerpt, isMain, ROOT, run } from './command.mjs'
import { setUp } from './setup.mjs'

const STATIC = join(ROOT, 'python/cellucid_notebook/_static')
const DIST = join(ROOT, 'dist')
/** Of the bundles, all but the notebook's widget; beside them the parts of the server. */
const FILES = ['cli.mjs', 'server.mjs', 'page', 'hdf5-plugins', 'first-file.h5ad', 'THIRD-PARTY-LICENSES.txt']
const isServerPart = (file) => file.startsWith('server-')

/** @returns {Promise<string>} the tarball */
export async function packNpm() {
  const folder = join(DIST, 'npm')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const files = [...FILES, ...readdirSync(STATIC).filter(isServerPart)]
  for (const file of files) cpSync(join(STATIC, file), join(folder, file), { recursive: true })
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  copyFileSync(join(ROOT, 'docs/command-line.md'), join(folder, 'README.md'))
  const { name, version, description, license, author, type, engines } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  const facts = {
    name,
    version,
    description,
    license,
    author,
    private: true,
    type,
    engines,
    bin: { [name]: 'cli.mjs' },
  }
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...facts, files }, null, 2)}\n`)
  const { status, output } = await run('npm', ['pack', folder, '--pack-destination', DIST, '--loglevel=error'], {
    quiet: true,
  })
  if (status !== 0) throw new Error(`npm pack failed.\n${excerpt(output)}`)
  return join(DIST, `${name}-${version}.tgz`)
}

if (isMain(import.meta)) {
  try {
    await setUp()
    const tarball = await packNpm()
    console.log(`pack: ${tarball}, ${(statSync(tarball).size / 1e6).toFixed(1)} MB`)
  } catch (error) {
    console.error(`pack: ${error.message}`)
    process.exitCode = 1
  }
}
