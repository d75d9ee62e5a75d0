import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ROOT, VENV_PYTHON } from '../../command.mjs'

/** A Python process that answers each line with lines of JSON. */
export class LineProcess {
  readonly #child
  readonly #lines

  constructor(script: string, given: readonly string[] = []) {
    const env = { ...process.env, PYTHONPATH: `${ROOT}/python` }
    this.#child = spawn(VENV_PYTHON, [`${ROOT}/scripts/bench/data/${script}`, ...given], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env,
    })
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  /** Say a line, and wait for an answer. */
  ask<T>(line: string): Promise<T> {
    this.#child.stdin.write(`${line}\n`)
    return this.next()
  }

  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error('The Python half of the bench ended.')
    return JSON.parse(value) as T // our own scripts write it
  }

  /** It ends with its stdin. */
  stop(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.stdin.end()
    return ended
  }
}
