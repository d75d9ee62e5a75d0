import { createServer } from 'node:net'
import * as v from 'valibot'
import packageFacts from '../../package.json' with { type: 'json' }
import { messageOf } from '../../protocol/errors.ts'
import { PROTOCOL_VERSION } from '../../protocol/version.ts'
import { openPageFile } from '../http/page-file.ts'
import { parseConfig, type Surroundings } from '../process/config.ts'
import { LOOPBACK } from '../process/listen.ts'
import { ownerOfPort } from '../process/port-owner.ts'
import { loadHdf5 } from '../sources/hdf5/h5wasm.ts'
import { findPlugins } from '../sources/hdf5/plugin-folder.ts'
import { cacheParts } from './cache.ts'
import { parseFlags } from './flags.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** What was found of one thing. `broken`: nothing can be shown like this; `note`: worth knowing, with what to do. */
export type Finding = { state: 'ok' | 'note' | 'broken'; of: string; found: string; advice?: string }

const FLAGS = { python: 'string' } as const
const pythonFactsSchema = v.record(v.string(), v.string())
type PythonFacts = v.InferOutput<typeof pythonFactsSchema>

/**
 * Say what can be known of this install without a notebook, and what to do about it.
 * @returns whether data can be shown
 */
export async function doctor(argv: readonly string[], terminal: Terminal, around: Surroundings): Promise<boolean> {
  const { flags } = parseFlags(argv, FLAGS)
  const findings = await examine(around, flags.python === undefined ? null : parseFacts(flags.python))
  terminal.say(`cellucid-notebook ${packageFacts.version}, protocol ${PROTOCOL_VERSION}`)
  terminal.say()
  const width = Math.max(...findings.map(({ of }) => of.length))
  for (const { state, of, found, advice } of findings) {
    const mark = state === 'ok' ? 'ok    ' : terminal.strong(state.padEnd(6))
    terminal.say(`${mark}  ${of.padEnd(width)}  ${found}`)
    if (advice !== undefined) terminal.say(`${' '.repeat(width + 10)}${advice}`)
  }
  terminal.say()
  const isWell = findings.every(({ state }) => state !== 'broken')
  terminal.say(isWell ? 'Data can be shown.' : 'Something is broken, so no data can be shown. See above.')
  return isWell
}

async function examine(around: Surroundings, python: PythonFacts | null): Promise<Finding[]> {
  const config = parseConfig([])
  return [
    { state: 'ok', of: 'Node.js', found: `${process.versions.node} (${process.execPath})` },
    { state: 'ok', of: 'system', found: `${process.platform} ${process.arch}` },
    await pageFinding(config.pageFolder),
    await hdf5Finding(),
    await portFinding(config.port),
    browserFinding(around),
    ...(await Promise.all(cacheParts().map(cacheFinding))),
    ...(python === null ? [WITHOUT_PYTHON] : pythonFindings(python)),
  ]
}

async function pageFinding(folder: string): Promise<Finding> {
  try {
    await openPageFile(folder)
    return { state: 'ok', of: 'viewer page', found: 'complete' }
  } catch (error) {
    return { state: 'broken', of: 'viewer page', found: messageOf(error), advice: 'Install cellucid-notebook again.' }
  }
}

async function hdf5Finding(): Promise<Finding> {
  try {
    await loadHdf5()
  } catch (error) {
    return { state: 'broken', of: 'HDF5', found: messageOf(error), advice: 'Install cellucid-notebook again.' }
  }
  const { filters } = findPlugins()
  if (filters.size > 0) return { state: 'ok', of: 'HDF5', found: `works, with ${filters.size} filters beside its own` }
  const advice = 'Files compressed with blosc, lzf, lz4 or zstd cannot be read. Install cellucid-notebook again.'
  return { state: 'note', of: 'HDF5', found: 'works, but its filters are missing', advice }
}

async function portFinding(port: number): Promise<Finding> {
  const of = `port ${port}`
  if (await isFree(port)) return { state: 'ok', of, found: 'free' }
  const owner = (await ownerOfPort(port)) ?? 'another program, perhaps of another user'
  return {
    state: 'note',
    of,
    found: `held by ${owner}`,
    advice: 'The next free port is taken instead; or name one with --port.',
  }
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: LOOPBACK, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}

function browserFinding({ browser, hasScreen, isRemote }: Surroundings): Finding {
  const of = 'browser'
  if (browser !== null) return { state: 'ok', of, found: browser }
  if (isRemote) {
    const advice = 'serve prints the "ssh -L" line that brings the viewer to your own browser.'
    return { state: 'note', of, found: 'on another machine: this terminal came by SSH', advice }
  }
  if (hasScreen) return { state: 'ok', of, found: 'the system’s own' }
  return { state: 'note', of, found: 'none: there is no screen here', advice: 'serve prints a link to open.' }
}

async function cacheFinding({ what, place, holds }: ReturnType<typeof cacheParts>[number]): Promise<Finding> {
  const of = 'cache'
  try {
    return { state: 'ok', of, found: `${what}: ${(await holds()) ?? 'nothing'} (${place})` }
  } catch (error) {
    return { state: 'note', of, found: `${what}: not used`, advice: messageOf(error) }
  }
}

const WITHOUT_PYTHON: Finding = {
  state: 'note',
  of: 'Python',
  found: 'not looked at: this program came by npm',
  advice: 'For notebooks: pip install cellucid-notebook, then run its own "cellucid-notebook doctor".',
}

/** What is told of it when it is missing; see docs/command-line.md. */
const ADVICE: Readonly<Record<string, string>> = {
  anywidget: 'A notebook needs it here and where JupyterLab runs: pip install anywidget.',
  'jupyter-server-proxy':
    'Without it, viewers of a remote notebook travel through the notebook itself. Faster: pip install ' +
    'jupyter-server-proxy where JupyterLab runs, which may be another environment than this one.',
}

function pythonFindings(facts: PythonFacts): Finding[] {
  return Object.entries(facts).map(([of, found]) => {
    const advice = found === 'not installed' ? ADVICE[of] : undefined
    return advice === undefined ? { state: 'ok', of, found } : { state: 'note', of, found, advice }
  })
}

function parseFacts(text: string): PythonFacts {
  try {
    return v.parse(pythonFactsSchema, JSON.parse(text))
  } catch (cause) {
    throw new UsageError('--python takes what the program that Python installs passes on.', { cause })
  }
}
