import { type ErrorCode, parseErrorBody } from '../../protocol/errors.ts'
import type { Answer } from './transport.ts'

/**
 * Why a request brought nothing. `refused`: the server said no, and `code` says what. `keyDied`: this page's access has
 * ended. `login`: a proxy asks for a login. `gone`: a proxy answers in the server's place. `network`: nobody answers.
 */
export type FailureKind = 'refused' | 'keyDied' | 'login' | 'gone' | 'network'

/** Said where the server knows this page no more. */
export const ENDED = 'This view has been closed. Run the cell or the command again.'
export const OLDER = 'The page is older than the server: reload the notebook page.'

/** The one error that the page's clients throw; `message` is the sentence that the user reads. */
export class ServerFailure extends Error {
  readonly kind: FailureKind
  readonly code: ErrorCode | null
  constructor(kind: FailureKind, message: string, options: { code?: ErrorCode; cause?: unknown } = {}) {
    super(message, options)
    this.name = 'ServerFailure'
    this.kind = kind
    this.code = options.code ?? null
  }
}

/** What each answer that is not a success means. The only place that reads a status for the user. */
export function failureOfAnswer(answer: Answer): ServerFailure {
  const body = parseErrorBody(jsonOf(answer.body))
  if (body !== null) {
    const isDead = answer.status === 401 || body.code === 'unknown_viewer'
    return new ServerFailure(isDead ? 'keyDied' : 'refused', body.message, body)
  }
  if (answer.status === 0 || answer.status === 401 || answer.status === 403 || answer.status < 400) {
    return new ServerFailure('login', 'The notebook asks for a login. Log in again, then reload the notebook page.')
  }
  return new ServerFailure(
    'gone',
    `The viewer's server is not there: the notebook's proxy answered ${answer.status}. Run the cell again.`,
  )
}

/** What a request that brought no answer at all means; an abort stays what it is. */
export function failureOfError(error: unknown): unknown {
  if (error instanceof ServerFailure || isAbort(error)) return error
  return new ServerFailure(
    'network',
    'The viewer cannot reach its server. Run the cell or the command again if it does not come back.',
    { cause: error },
  )
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

/** What was asked for is another one now than the page knows. */
export function isChanged(error: unknown): boolean {
  return error instanceof ServerFailure && error.code === 'changed'
}

/** Another way to the same server may do better; where the server itself says no, none will. */
export function isOfTheWay(error: unknown): boolean {
  return error instanceof ServerFailure && error.kind !== 'refused'
}

const PASSING: readonly unknown[] = ['kernel_busy', 'overloaded', 'timed_out', 'internal'] satisfies ErrorCode[]

/** The server said no because of a state that passes: the same question may be answered later. */
export function isPassing(error: unknown): boolean {
  return error instanceof ServerFailure && error.kind === 'refused' && PASSING.includes(error.code)
}

/** The sentence for any error: our own words where we have them, never a stack. */
export function sentenceOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : 'Something failed. Reload the notebook page.'
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body.subarray(0, 64 << 10)))
  } catch (error) {
    // A proxy's own HTML page: no JSON is the answer to the question asked here.
    return error instanceof SyntaxError ? null : undefined
  }
}
