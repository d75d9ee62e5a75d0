import type { FastifyReply } from 'fastify'
import { codeOf, ERROR_STATUS, type ErrorBody, type ErrorCode, ProtocolError } from '../../protocol/errors.ts'
import type { Log } from '../process/log.ts'

/** Sentences for refusals that say nothing about the request: nothing of it is reflected. */
const SENTENCES: Partial<Record<ErrorCode, string>> = {
  bad_request: 'This request is not one that the viewer sends. Reload the notebook page.',
  no_key: 'This data is shown to viewer pages only. Open viewer.viewer_url from the notebook.',
  bad_key: 'This page is not known any more: its viewer or its server ended. Run the cell or the command again.',
  bad_token: 'This link is not valid any more. Run the cell or the command again.',
  forbidden: 'Another web page may not ask for this. Open viewer.viewer_url from the notebook.',
  not_found: 'The viewer server has nothing at this address. Open viewer.viewer_url from the notebook.',
  method_not_allowed: 'The viewer server takes no such request here. Open viewer.viewer_url from the notebook.',
  range_not_satisfiable: 'The data is shorter than the part that was asked for. Choose it again.',
  misdirected:
    'The viewer server does not know the name it was reached by. Behind a proxy of your own, pass the Host on ' +
    '(nginx: proxy_set_header Host $http_host).',
  too_large: 'This is more than the viewer server takes at once. Choose less, or reload the page.',
  overloaded: 'The viewer server has too much to do just now. Choose it again in a moment.',
  timed_out: 'The data did not arrive in time. Choose it again.',
  internal: 'The viewer server failed at this. viewer.debug_connection() shows its log.',
}

/** The only place where an error becomes an answer. */
export function errorBody(code: ErrorCode): ErrorBody {
  return { code, message: SENTENCES[code] ?? SENTENCES.internal ?? '' }
}

/** What Fastify's own refusals are to us; anything else of its 4xx is a bad request. */
const FRAMEWORK_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_NOT_FOUND: 'not_found',
}

/** Answer an error thrown by a route: by its code, or as `internal` with one log line. */
export function replyError(reply: FastifyReply, error: unknown, log: Log): FastifyReply {
  const body = bodyOf(error)
  if (body.code === 'internal') log.error('A request failed', { route: reply.request.routeOptions.url, error })
  if (ERROR_STATUS[body.code] === 503) void reply.header('retry-after', '1')
  return reply.code(ERROR_STATUS[body.code]).type('application/json').send(body)
}

function bodyOf(error: unknown): ErrorBody {
  if (error instanceof ProtocolError) return { code: error.code, message: error.message }
  if (error instanceof DOMException && error.name === 'TimeoutError') return errorBody('timed_out')
  if (error instanceof DOMException && error.name === 'AbortError') return { code: 'closed', message: error.message }
  const code = codeOf(error)
  const known = typeof code === 'string' ? FRAMEWORK_CODES[code] : undefined
  if (known !== undefined) return errorBody(known)
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : null
  return errorBody(typeof status === 'number' && status < 500 ? 'bad_request' : 'internal')
}
