import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as esbuild from 'esbuild'
import { BILL_FILE, billOfMaterials } from './scripts/bill-of-materials.mjs'
import { removeBuildStamp, writeBuildStamp } from './scripts/build-stamp.mjs'
import { assemblePage, BROWSER, BROWSER_TARGET, PAGE, PAGE_TEMPLATE, textsOf } from './scripts/page-bundle.mjs'
import { thirdPartyNotices } from './scripts/third-party-notices.mjs'
import { FIRST_FILE, firstFilePath } from './server/sources/hdf5/first-file.ts'
import { PLUGIN_FILES, PLUGIN_FOLDER } from './server/sources/hdf5/plugin-folder.ts'

const ROOT = import.meta.dirname
const STATIC = join(ROOT, 'python/cellucid_notebook/_static')

/** Fastify and its plugins are CommonJS and call `require` for Node's own modules. */
const REQUIRE_BANNER = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

/** How the names of the server's parts begin; as in scripts/pack.mjs. */
const SERVER_PART = 'server-'

const SHARED = {
  absWorkingDir: ROOT,
  bundle: true,
  format: 'esm',
  write: false,
  metafile: true,
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
}

/** Each bundle: its options, its file in `_static/`, and at most how many bytes that file has, gzipped. */
const BUNDLES = [
  {
    file: 'widget.js',
    budgetBytes: 25_000, // saved in every notebook file that shows a viewer
    options: { ...SHARED, ...BROWSER, entryPoints: ['widget/index.ts'], plugins: [cssAsText()] },
    assemble: (texts) => texts.get('.js'),
  },
  {
    file: 'page/index.html',
    budgetBytes: 150_000, // goes through the notebook's own connection where nothing else does
    options: { ...SHARED, ...PAGE, outdir: STATIC },
    assemble: (texts) => assemblePage(ROOT, texts),
  },
  {
    file: 'page/hosted.html',
    budgetBytes: 25_000, // around the hosted viewer, which is far larger
    options: { ...SHARED, ...BROWSER, entryPoints: ['page/hosted/main.ts'], outdir: STATIC },
    assemble: (texts) => assemblePage(ROOT, texts),
  },
  {
    file: 'server.mjs',
    budgetBytes: 2_500_000, // most of it HDF5 as WebAssembly; travels in the wheel only
    options: {
      ...SHARED,
      entryPoints: { server: 'server/main.ts' },
      platform: 'node',
      target: 'node22.19',
      // What is imported late is a file of its own: a server that starts reads a twentieth of it all.
      splitting: true,
      outdir: STATIC,
      outExtension: { '.js': '.mjs' },
      chunkNames: `${SERVER_PART}[hash]`,
      banner: { js: REQUIRE_BANNER },
      plugins: [packageFacts()],
    },
    assemble: writeServerParts,
  },
  {
    file: 'cli.mjs',
    budgetBytes: 5_000, // the command line itself is in the server's bundle, so that nothing ships twice
    options: {
      ...SHARED,
      entryPoints: ['server/cli.ts'],
      platform: 'node',
      target: 'node16', // it tells a Node that is too old for the rest
      plugins: [serverBundleStaysOutside(), packageFacts()],
    },
    assemble: (texts) => texts.get('.js'),
  },
]

/** Write the server's parts beside it, in place of those of the build before. @returns the server itself, and their bytes */
async function writeServerParts(_texts, outputFiles) {
  const old = (await readdir(STATIC).catch(() => [])).filter((name) => name.startsWith(SERVER_PART))
  await Promise.all(old.map((name) => rm(join(STATIC, name))))
  const isPart = ({ path }) => basename(path).startsWith(SERVER_PART)
  const parts = outputFiles.filter(isPart)
  await mkdir(STATIC, { recursive: true })
  await Promise.all(parts.map(({ path, contents }) => writeFile(path, contents)))
  const [entry] = outputFiles.filter((file) => !isPart(file))
  return { content: entry.text, parts }
}

function serverBundleStaysOutside() {
  return {
    name: 'server-bundle-stays-outside',
    setup(build) {
      build.onResolve({ filter: /^\.\/main\.ts$/ }, () => ({ path: './server.mjs', external: true }))
    },
  }
}

/** Of package.json, what a program says of itself. */
function packageFacts() {
  return {
    name: 'package-facts',
    setup(build) {
      build.onLoad({ filter: /package\.json$/ }, async ({ path }) => {
        if (path !== join(ROOT, 'package.json')) return null
        const { version, engines } = JSON.parse(await readFile(path, 'utf8'))
        return { contents: JSON.stringify({ version, engines }), loader: 'json' }
      })
    },
  }
}

/** The widget brings its style as text, since its module is all that a notebook keeps of it. */
function cssAsText() {
  return {
    name: 'css-as-text',
    setup(build) {
      build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        const { code } = await esbuild.transform(source, { loader: 'css', minify: true, target: BROWSER_TARGET })
        return { contents: code.trimEnd(), loader: 'text' }
      })
    },
  }
}

/**
 * Write one finished bundle.
 * @returns {Promise<{line: string, inputs: string[]}>} its size in words, and what went into it
 * @throws {Error} over budget, or with the notebook's own widget classes inside: a second copy of them does not work
 */
async function finish({ file, budgetBytes, assemble }, { outputFiles, metafile }) {
  const assembled = await assemble(textsOf(outputFiles), outputFiles)
  const { content, parts } = typeof assembled === 'string' ? { content: assembled, parts: [] } : assembled
  const target = join(STATIC, file)
  await mkdir(dirname(target), { recursive: true })
  await writeFile(target, content, { mode: content.startsWith('#!') ? 0o755 : 0o644 })

  const inputs = Object.keys(metafile.inputs)
  const foreign = inputs.find((input) => input.includes('node_modules/@jupyter-widgets/'))
  if (foreign) throw new Error(`${file} bundles ${foreign}; import only types from @jupyter-widgets.`)
  const texts = [content, ...parts.map(({ contents }) => contents)]
  const gzippedBytes = texts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0)
  const sizes = `${kilobytes(gzippedBytes)} KB gzipped of ${kilobytes(budgetBytes)}`
  if (gzippedBytes > budgetBytes) throw new Error(`${file} is over its budget: ${sizes}.\n${largestInputs(metafile)}`)
  return {
    line: `${file.padEnd(16)} ${kilobytes(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0))} KB, ${sizes}`,
    inputs,
  }
}

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1)
}

function largestInputs(metafile) {
  const sizes = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  const largest = sizes.sort(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput).slice(0, 10)
  return largest.map(([path, { bytesInOutput }]) => `  ${kilobytes(bytesInOutput)} KB ${path}`).join('\n')
}

/** What the server opens as files, so that it cannot be bundled: filters of HDF5, and a file to begin with. */
async function copyServerFiles() {
  const from = join(ROOT, 'node_modules/h5wasm-plugins/plugins')
  const target = join(STATIC, PLUGIN_FOLDER)
  await mkdir(target, { recursive: true })
  await Promise.all(PLUGIN_FILES.map((file) => copyFile(join(from, file), join(target, file))))
  await copyFile(firstFilePath(), join(STATIC, FIRST_FILE))
  return [...PLUGIN_FILES.map((file) => join(from, file)), firstFilePath()].map((file) => relative(ROOT, file))
}

/** What the build itself is made of. */
async function ownInputs() {
  const { metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [relative(ROOT, import.meta.filename)],
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
  })
  return Object.keys(metafile.inputs)
}

async function buildAll() {
  removeBuildStamp(ROOT)
  const finished = await Promise.all(BUNDLES.map(async (bundle) => finish(bundle, await esbuild.build(bundle.options))))
  const inputs = [...finished.flatMap((bundle) => bundle.inputs), ...(await copyServerFiles())]
  await writeFile(join(STATIC, 'THIRD-PARTY-LICENSES.txt'), thirdPartyNotices(ROOT, inputs))
  await writeFile(join(STATIC, BILL_FILE), `${JSON.stringify(billOfMaterials(ROOT, inputs), null, 2)}\n`)
  writeBuildStamp(ROOT, [
    ...inputs,
    ...(await ownInputs()),
    PAGE_TEMPLATE,
    'tsconfig.json',
    'package-lock.json',
    'pyproject.toml',
  ])
  for (const { line } of finished) console.log(line)
}

/** Rebuild on every change of a source until interrupted, with source maps; a failure is told and waited out. */
async function watchAll() {
  removeBuildStamp(ROOT) // its bundles are not those that ship
  await copyServerFiles()
  for (const bundle of BUNDLES) {
    const tell = {
      name: 'tell',
      setup(build) {
        build.onEnd(async (result) => {
          if (result.errors.length > 0) return
          await finish(bundle, result).then(
            ({ line }) => console.log(line),
            (error) => console.error(error.message),
          )
        })
      },
    }
    const context = await esbuild.context({
      ...bundle.options,
      sourcemap: 'inline',
      plugins: [...(bundle.options.plugins ?? []), tell],
    })
    await context.watch()
  }
  console.log(`watching; bundles go to ${relative(ROOT, STATIC)}`)
}

try {
  await (process.argv.includes('--watch') ? watchAll() : buildAll())
} catch (error) {
  if (!error.errors) console.error(error.message) // esbuild has shown its own with the source
  process.exitCode = 1
}
