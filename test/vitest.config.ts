import { readFile } from 'node:fs/promises'
import { defineConfig, type Plugin } from 'vitest/config'

/** As in the bundle: a style sheet is imported as its text. Vite would take it into its own hands by the `.css`. */
const cssAsText: Plugin = {
  name: 'css-as-text',
  enforce: 'pre',
  async resolveId(source, importer) {
    if (!source.endsWith('.css')) return null
    const resolved = await this.resolve(source, importer, { skipSelf: true })
    return resolved && `\0${resolved.id}.text`
  },
  async load(id) {
    if (!id.startsWith('\0') || !id.endsWith('.css.text')) return null
    const text = await readFile(id.slice(1, -'.text'.length), 'utf8')
    return `export default ${JSON.stringify(text)}`
  },
}

/** Till what is polled for has come: as patient as a busy machine needs. How fast a thing is, benches say. */
const PATIENT = { poll: { timeout: 20_000 } }

export default defineConfig({
  root: new URL('..', import.meta.url).pathname,
  test: {
    projects: [
      {
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/{protocol,data,server,scripts,fuzz}/**/*.test.ts'],
          expect: PATIENT,
          testTimeout: 30_000, // files are made by Python and read by worker threads, on machines that may be busy
          hookTimeout: 120_000,
        },
      },
      {
        plugins: [cssAsText],
        test: {
          name: 'dom',
          environment: 'happy-dom',
          include: ['test/{widget,page}/**/*.test.{ts,tsx}'],
          exclude: ['test/page/**/browser/**'],
          expect: PATIENT,
          testTimeout: 30_000, // probes and sockets are real
        },
      },
      {
        test: {
          name: 'browser', // parts of the page alone in a real Chromium
          environment: 'node',
          include: ['test/page/**/browser/*.test.ts'],
          fileParallelism: false, // drawing is done by the processor
          expect: PATIENT,
          testTimeout: 60_000, // what Playwright waits for, and then some
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'e2e',
          environment: 'node',
          expect: PATIENT,
          include: ['test/e2e/**/*.test.ts'],
          fileParallelism: false, // a notebook server, a kernel and a browser want both cores
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'matrix',
          environment: 'node',
          expect: PATIENT,
          include: ['test/matrix/**/*.test.ts'],
          fileParallelism: false, // every environment by itself, `npm run matrix`
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'long',
          environment: 'node',
          expect: PATIENT,
          include: ['test/long/**/*.test.ts'],
          fileParallelism: false, // storms, faults, many rounds: too long for every run, `npm run test:long`
          testTimeout: 600_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
})
