import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build, type Plugin } from 'esbuild'
import type { Open } from './contender.ts'
import type * as Round from './viewer-round.ts'

declare global {
  // In the browser only: the bundle of one contender.
  var bench: typeof Round & { open: Open }
}

export const CONTENDERS = ['own', 'three', 'regl-scatterplot', 'embedding-atlas'] as const
export type ContenderName = (typeof CONTENDERS)[number]

/** Peers are dependencies of the bench alone: whoever only builds and tests does not download them. */
export async function installPeers(names: readonly ContenderName[]): Promise<void> {
  const missing = names.filter((name) => name !== 'own' && !existsSync(join(import.meta.dirname, 'node_modules', name)))
  if (missing.length === 0) return
  console.log(`installing ${missing.join(', ')}`)
  await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: import.meta.dirname })
}

export async function bundleContender(name: ContenderName): Promise<string> {
  const contents = [
    "import { watch } from './viewer-round.ts'",
    'watch()',
    "export * from './viewer-round.ts'",
    `export { open } from './contenders/${name}.ts'`,
  ].join('\n')
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    globalName: 'bench',
    target: 'es2022',
    define: { 'import.meta.url': '"about:blank"' },
    plugins: [withoutDatabase],
  })
  return outputFiles[0]?.text ?? ''
}

/** embedding-atlas asks for a database client that its plain view never uses; any class will do for it. */
const withoutDatabase: Plugin = {
  name: 'without-database',
  setup(builder) {
    builder.onResolve({ filter: /^@uwdata\// }, ({ path }) => ({ path, namespace: 'absent' }))
    builder.onLoad({ filter: /.*/, namespace: 'absent' }, () => ({
      contents: 'module.exports = new Proxy({}, { get: (_, name) => name === "__esModule" ? false : class {} })',
      loader: 'js',
    }))
  },
}
