import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { minify } from 'terser'
import { pageHtml } from './page-html.mjs'
import { privateNames } from './private-names.mjs'

/** What browsers of the last two years run; older ones lack `AbortSignal.any` and cannot be helped by a compiler. */
export const BROWSER_TARGET = 'es2022'

/**
 * How esbuild makes a bundle for a browser, whichever.
 * @satisfies {import('esbuild').BuildOptions}
 */
export const BROWSER = {
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: BROWSER_TARGET,
  minify: true,
  write: false,
  charset: 'utf8',
  legalComments: 'none',
  alias: { valibot: './protocol/small-valibot.ts' },
}

/**
 * How the page's script and style are made, before {@link assemblePage} makes them one file.
 * @satisfies {import('esbuild').BuildOptions}
 */
export const PAGE = {
  ...BROWSER,
  entryPoints: ['page/main.tsx'],
  plugins: [unusedSchemasLeave(), shadersWithoutAir(), colorsWithoutAir()],
  define: { 'window.__PREACT_SIGNALS_DEVTOOLS__': 'false' },
  // Children as arguments are shorter than as a member of every element's props.
  tsconfigRaw: { compilerOptions: { jsx: 'react', jsxFactory: 'h', jsxFragmentFactory: 'Fragment' } },
  inject: ['page/jsx-factory.ts'],
}

/**
 * The page as it is shipped.
 * @param {string} root the repository's root
 * @param {ReadonlyMap<string, string>} texts what esbuild made, by ending: `.js` and `.css`
 * @returns {Promise<string>} one HTML file
 */
export async function assemblePage(root, texts) {
  return pageHtml(await readFile(join(root, 'page/index.html'), 'utf8'), {
    script: await smaller(root, texts.get('.js')),
    style: (texts.get('.css') ?? '').trimEnd(),
  })
}

/** @returns {Map<string, string>} the texts of what esbuild made, by ending */
export function textsOf(outputFiles) {
  return new Map(outputFiles.map((output) => [/\.[^.]+$/.exec(output.path)?.[0] ?? '.js', output.text]))
}

/**
 * Terser folds across functions what esbuild leaves, and shortens what only the page calls by its name: another 5 % of
 * the page, gzipped, for some seconds of building.
 */
async function smaller(root, script) {
  // Getters are not pure: to read a signal is to be told of its next value.
  const names = await privateNames(root)
  const options = {
    module: true,
    ecma: 2022,
    compress: {
      passes: 8,
      unsafe: true,
      unsafe_arrows: true,
      unsafe_methods: true,
      pure_getters: false,
      keep_fargs: false,
      lhs_constants: false, // comparisons repeat better as they are written
    },
    mangle: { properties: { regex: new RegExp(`^(${names.join('|')})$`) } },
  }
  const { code } = await minify(script, options)
  return code.trimEnd()
}

/**
 * Tell that the schemas of the protocol do nothing by being made, so that a bundle keeps only those that it uses:
 * valibot marks its functions, but esbuild does not see a mark through `export { … }`.
 */
export function unusedSchemasLeave() {
  return {
    name: 'unused-schemas-leave',
    setup(build) {
      build.onLoad({ filter: /[\\/]protocol[\\/][\w-]+\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        const contents = source.replace(/\bv\.(?!parse\b|safeParse\b|is\b)(\w+)\(/g, '/* @__PURE__ */ v.$1(')
        return { contents, loader: 'ts' }
      })
    },
  }
}

/** Lists of colours are read as well without the spaces between them. */
function colorsWithoutAir() {
  return {
    name: 'colors-without-air',
    setup(build) {
      build.onLoad({ filter: /[\\/](gradients|palette)\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        return { contents: source.replace(/(?<=\b[0-9a-f]{6}) (?=[0-9a-f]{6}\b|')/g, ''), loader: 'ts' }
      })
    },
  }
}

/** A shader travels as text, which no minifier touches: its indentation and its spaces around signs stay behind. */
function shadersWithoutAir() {
  const line = (text) =>
    text.startsWith('#') ? `\\n${text}\\n` : text.trim().replace(/ *([-+*/=<>!&|?:;,(){}]) */g, '$1')
  const dense = (text) => text.split('\n').map(line).join('').replaceAll('\\n\\n', '\\n')
  return {
    name: 'shaders-without-air',
    setup(build) {
      build.onLoad({ filter: /-shaders\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        const contents = source.replace(/= `\n([^`]*)`/g, (_, shader) => `= \`${dense(shader)}\``)
        return { contents, loader: 'ts' }
      })
    },
  }
}
