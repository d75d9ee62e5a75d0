import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'

export const ROOT = resolve(import.meta.dirname, '..')
export const NODE = join(ROOT, 'node_modules/.bin/node')
export const VENV_PYTHON = join(ROOT, '.venv/bin/python')

const SETPRIV = '/usr/bin/setpriv'
/** Goes before a program that must not outlive this process, not even when it is killed. Only Linux does that. */
export const TIED_TO_US = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', '--'] : []

/** The project's own tools first, whatever the machine has: Node 24 and its packages, then the virtual environment. */
export function projectEnvironment() {
  const own = [join(ROOT, 'node_modules/.bin'), join(ROOT, '.venv/bin')]
  return { ...process.env, PATH: [...own, ...machinePath()].join(delimiter) }
}

/** The machine's own tools: what npm puts in front of the PATH may be about to be deleted and installed anew. */
export function machineEnvironment() {
  return { ...process.env, PATH: machinePath().join(delimiter) }
}

function machinePath() {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.filter((folder) => !folder.startsWith(`${ROOT}/`) && !folder.includes('node-gyp-bin'))
}

/**
 * Run a program to its end.
 * @param {string} program
 * @param {string[]} programArguments
 * @param {{env?: NodeJS.ProcessEnv, cwd?: string, quiet?: boolean}} [options] quiet: keep its output instead of showing it
 * @returns {Promise<{status: number, output: string}>} status 127 when there is no such program; output only when quiet
 */
export function run(program, programArguments, { env = projectEnvironment(), cwd = ROOT, quiet = false } = {}) {
  return new Promise((done) => {
    const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit']
    const child = spawn(program, programArguments, { cwd, env, stdio })
    let output = ''
    for (const stream of quiet ? [child.stdout, child.stderr] : []) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text
      })
    }
    child.on('error', (error) => done({ status: 127, output: error.message }))
    child.on('close', (code) => done({ status: code ?? 1, output }))
  })
}

/** The first and last lines of a program's output: npm says first why it failed, pip last. */
export function excerpt(output, lineCount = 12) {
  const lines = output.trimEnd().split('\n')
  if (lines.length <= 2 * lineCount) return lines.join('\n')
  return [...lines.slice(0, lineCount), '…', ...lines.slice(-lineCount)].join('\n')
}

/** True in the module that Node was started with. */
export function isMain({ filename }) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === filename
}
