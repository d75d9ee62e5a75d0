import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const CLI = resolve(import.meta.dirname, '../../python/cellucid_notebook/_static/cli.mjs')
const LINK = /https?:\/\/\S+[?&]viewerToken=[0-9a-f]{64}/

export type CommandOptions = {
  cwd?: string
  /** More of the environment; what says how a terminal looks or where a browser is, is taken out of the machine's own. */
  env?: Record<string, string>
  /** Let it have a terminal; only where util-linux is. */
  isTerminal?: boolean
  /** Another copy of the program. */
  program?: string
}

/** `cellucid-notebook`, built, as a person runs it. Stop it in the test that started it. */
export class CommandLine {
  readonly process: ChildProcess
  /** Both as they came. In a terminal all is in `output`. */
  output = ''
  errors = ''
  /** The status that it ended with. */
  readonly ended: Promise<number | null>
  readonly #changes = new EventTarget()

  constructor(args: readonly string[], { cwd, env, isTerminal = false, program = CLI }: CommandOptions = {}) {
    if (!existsSync(CLI)) throw new Error(`There is no ${CLI}. Run npm run build.`)
    const words = [process.execPath, program, ...args]
    const [first = '', ...rest] = isTerminal ? ['script', '-qefc', words.map(quoted).join(' '), '/dev/null'] : words
    this.process = spawn(first, rest, {
      cwd,
      env: { ...plainEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => this.#heard(() => (this.output += text)))
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => this.#heard(() => (this.errors += text)))
    this.ended = once(this.process, 'close').then(([status]) => status as number | null) // as Node documents it
    void this.ended.then(() => this.#heard(() => undefined))
  }

  /** Wait until it has said so, on either stream. @throws when it ends before */
  async says(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = pattern.exec(this.output) ?? pattern.exec(this.errors)
      if (found !== null) return found[0]
      if (this.process.exitCode !== null) throw new Error(`It ended without ${pattern}:\n${this.output}${this.errors}`)
      await new Promise((heard) => this.#changes.addEventListener('heard', heard, { once: true }))
    }
  }

  /** The link to open, once all is said. */
  async link(): Promise<URL> {
    await this.says(/Ctrl\+C/)
    return new URL(await this.says(LINK))
  }

  /** As Ctrl+C does. */
  interrupt(): void {
    this.process.kill('SIGINT')
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGTERM')
    await this.ended
  }

  #heard(take: () => void): void {
    take()
    this.#changes.dispatchEvent(new Event('heard'))
  }
}

/** Run one command to its end. */
export async function runCommandLine(args: readonly string[], options: CommandOptions = {}) {
  const run = new CommandLine(args, options)
  const status = await run.ended
  return { status, output: run.output, errors: run.errors }
}

/** What says where the terminal stands and whether it has colours, to Node too: `tty.WriteStream.getColorDepth()`. */
const OF_THE_TERMINAL =
  /^(SSH_CONNECTION|BROWSER|DISPLAY|WAYLAND_DISPLAY|NO_COLOR|FORCE_COLOR|NODE_DISABLE_COLORS|COLORTERM|TMUX|TERM_PROGRAM|CI|TF_BUILD|TEAMCITY_VERSION)$/

function plainEnvironment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !OF_THE_TERMINAL.test(name))
  return { ...Object.fromEntries(others), TERM: 'xterm-256color' }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}
