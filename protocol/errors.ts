import { visible } from './visible-text.ts'

/** The closed list of error codes that cross a border, each with the one HTTP status it travels under. */
export const ERROR_STATUS = {
  bad_request: 400,
  bad_frame: 400,
  no_key: 401,
  bad_key: 401,
  bad_token: 401,
  forbidden: 403,
  not_found: 404,
  unknown_viewer: 404,
  unknown_column: 404,
  unknown_embedding: 404,
  unknown_layer: 404,
  method_not_allowed: 405,
  ambiguous: 409,
  changed: 409,
  wrong_protocol: 409,
  closed: 410,
  too_large: 413,
  range_not_satisfiable: 416,
  misdirected: 421,
  unsupported: 422,
  malformed: 422,
  no_embedding: 422,
  no_cells: 422,
  internal: 500,
  kernel_busy: 503,
  kernel_gone: 503,
  overloaded: 503,
  timed_out: 504,
} as const satisfies Record<string, number>

export type ErrorCode = keyof typeof ERROR_STATUS

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_STATUS, value)
}

/**
 * The only error that crosses a border. `message` is for the user: what was asked, what was found, what to do.
 * Across a frame, comm or pipe recognise it by `code`, since `instanceof` does not survive the trip.
 */
export class ProtocolError<Code extends ErrorCode = ErrorCode> extends Error {
  readonly code: Code
  constructor(code: Code, message: string, options?: { cause?: unknown }) {
    super(visible(message), options)
    this.name = 'ProtocolError'
    this.code = code
  }
}

/** The JSON body of every error answer. */
export type ErrorBody = { code: ErrorCode; message: string }

/** Read an error body; `null` when the value is not one, for example a proxy's own HTML error page. */
export function parseErrorBody(value: unknown): ErrorBody | null {
  if (typeof value !== 'object' || value === null) return null
  const { code, message } = value as Record<string, unknown> // an object was just checked; fields stay unknown
  return isErrorCode(code) && typeof message === 'string' ? { code, message } : null
}

/** The sentence of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The code of an error, of ours or of the system (`ENOENT`); `null` where it has none. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}

/** Where a switch over kinds must not arrive. */
export function assertNever(value: never): never {
  throw new Error(`Unhandled kind: ${JSON.stringify(value)}`)
}
