import { ERROR_STATUS, type ErrorCode } from '../../protocol/errors.ts'
import {
  type PageKey,
  type ProbeClaims,
  parseNonce,
  parsePageKey,
  parseViewerId,
  type ViewerId,
} from '../../protocol/probe.ts'
import { CAPABILITY_FOLDER, HOSTED_ROUTES, KEY_HEADER, ROUTES, TICKET_FOLDER } from '../../protocol/urls.ts'
import { LIMITS } from '../process/limits.ts'
import { type Authority, authorityText, isLoopback, parseAuthority, parseOrigin } from './authority.ts'
import type { KeyHolder } from './page-keys.ts'

/**
 * What a request must bring. `open`: nothing. `keyMaking`: the token, in its body. `channel`: a key in its first frame.
 * `capability`: a key in its path, for what the hosted page reads and posts. `private`: a page key, also where no
 * route is; `ticket`: what a page was given for this one read.
 */
export type RouteClass = 'open' | 'keyMaking' | 'channel' | 'capability' | 'ticket' | 'private'
export type SignedProbe = Omit<ProbeClaims, 'instanceId'> & { mac: string }

export type Admission = {
  class: RouteClass
  host: Authority
  /** Whose page asks: by its key, else by the public id in the query of an open route. */
  viewerId: ViewerId | null
  /** The page that asks: by its key, its proven socket or its ticket. */
  page: KeyHolder | null
  /** The proven socket that brought it. */
  socket: ProvenSocket | null
  /** A probe whose mac holds and whose nonce is unused: learn from it, once. */
  probe: SignedProbe | null
}
export type Refusal = { code: ErrorCode; status: number }
export type Verdict = { admission: Admission } | { refusal: Refusal }

/** What the gate may know of the viewers. Every answer is a look-up; none changes anything. */
export interface Allow {
  holderOf(key: PageKey): KeyHolder | null
  /** The page that a ticket was given to, while it is good. */
  holderOfTicket(ticket: string): KeyHolder | null
  /** A name that the user had this server answer to, beside those of loopback. */
  isServed(host: Authority): boolean
  /** Whether an open route says anything to whoever names this viewer in its query, or none. */
  answersTo(viewerId: ViewerId | null): boolean
  /** The key in the path of a hosted page's requests. */
  viewerOfCapability(key: string): ViewerId | null
  /** `viewerId` null: learnt by any viewer. */
  knowsHost(host: Authority, viewerId: ViewerId | null): boolean
  knowsOrigin(origin: string, viewerId: ViewerId | null): boolean
  isSigned(probe: SignedProbe): boolean
}

/** A page's connection whose both ends have proven themselves. */
export type ProvenSocket = { holder: KeyHolder }

export type RawRequest = {
  /** name, value, name, value, as they came */
  rawHeaders: readonly string[]
  /** the request line's target */
  target: string
  method: string
  /** Of a request that came by a proven socket; nothing on the wire says so. */
  socket?: ProvenSocket | null
}

const READ = ['GET', 'HEAD'] as const

type Route = { class: RouteClass; methods: readonly string[] }
const ROUTE_TABLE: ReadonlyMap<string, Route> = new Map(
  (
    [
      [ROUTES.page, 'open', READ],
      [ROUTES.health, 'open', READ],
      [ROUTES.info, 'open', READ],
      [ROUTES.key, 'keyMaking', ['POST']],
      [ROUTES.channel, 'channel', ['GET']],
      [ROUTES.identity, 'private', READ],
      [ROUTES.embedding, 'private', READ],
      [ROUTES.obsColumn, 'private', READ],
      [ROUTES.varColumn, 'private', READ],
      [ROUTES.genes, 'private', READ],
      [ROUTES.cellNames, 'private', READ],
      [ROUTES.events, 'private', ['POST']],
      [ROUTES.commands, 'private', ['GET']],
      [ROUTES.snapshot, 'private', ['PUT']],
      [HOSTED_ROUTES.hosted, 'private', ['GET', 'POST']],
    ] as const
  ).map(([path, routeClass, methods]) => [`/${path}`, { class: routeClass, methods }]),
)
const TICKET_PATH = new RegExp(`^/${TICKET_FOLDER}/([A-Za-z0-9_-]{43})$`)
const TICKET_READ: Route = { class: 'ticket', methods: READ }
const CAPABILITY_PATH = new RegExp(`^/${CAPABILITY_FOLDER}/([A-Za-z0-9_-]{43})/(.*)$`)
/** What a hosted page may post, below its own path. */
const HOSTED_POSTS: ReadonlySet<string> = new Set([ROUTES.events, ROUTES.sessionBundle])
const HOSTED_READ: Route = { class: 'capability', methods: READ }
const HOSTED_POST: Route = { class: 'capability', methods: ['POST'] }

/** No such route: only a page with a key learns that. */
const UNKNOWN_ROUTE: Route = { class: 'private', methods: ['GET', 'HEAD', 'POST', 'PUT'] }

/**
 * Decide on one request before any route runs, from what came over the wire and nothing that a framework parsed.
 * Pure and total: the same for a request, for an upgrade, and for a request through the tunnel.
 */
export function admit(request: RawRequest, allow: Allow): Verdict {
  const headers = collectHeaders(request.rawHeaders)
  const host = onlyValue(headers, 'host')
  const authority = host === null ? null : parseAuthority(host)
  // Node answers an expectation on its own, but of an upgrade it looks at none: no client of ours has any.
  if (headers === null || authority === null || headers.has('expect')) return refuse('bad_request')

  const target = parseTarget(request.target)
  const probe = target === null ? null : signedProbe(request.method, target, allow)
  const ticket = target === null ? undefined : TICKET_PATH.exec(target.path)?.[1]
  const page = ticket === undefined ? pageOf(request, headers, allow) : allow.holderOfTicket(ticket)
  const capable = target === null ? null : capabilityOf(target.path)
  const capableViewer = capable === null ? null : allow.viewerOfCapability(capable.key)
  const viewerId = page?.viewerId ?? capableViewer ?? target?.viewerId ?? null

  const isHostAllowed = isOwnName(authority, allow) || allow.knowsHost(authority, viewerId) || probe !== null
  if (!isHostAllowed) return refuse('misdirected')
  if (target === null) return refuse('bad_request')
  const route = ticket !== undefined ? TICKET_READ : (capable?.route ?? ROUTE_TABLE.get(target.path) ?? UNKNOWN_ROUTE)
  if (!route.methods.includes(request.method)) return refuse('method_not_allowed')

  const caller: Caller = { headers, authority, target, viewerId, probe, allow, method: request.method }
  if (!isSiteAllowed(caller) || !isOriginAllowed(caller)) return refuse('forbidden')
  const needsKey = route.class === 'private' || (route.class === 'open' && probe === null && !allow.answersTo(viewerId))
  if (needsKey && page === null) return refuse(headers.has(KEY_NAME) ? 'bad_key' : 'no_key')
  if (route.class === 'capability' && capableViewer === null) return refuse('bad_key')
  if (route.class === 'ticket' && page === null) return refuse('bad_key')
  // A path speaks for one viewer, whatever else the request carries.
  const ofViewer = route.class === 'capability' ? capableViewer : viewerId
  const { socket = null } = request
  return { admission: { class: route.class, host: authority, viewerId: ofViewer, page, socket, probe } }
}

function pageOf({ socket }: RawRequest, headers: Headers, allow: Allow): KeyHolder | null {
  if (socket != null) return socket.holder
  const pageKey = parsePageKey(onlyValue(headers, KEY_NAME))
  return pageKey === null ? null : allow.holderOf(pageKey)
}

function capabilityOf(path: string): { key: string; route: Route } | null {
  const [, key, rest] = CAPABILITY_PATH.exec(path) ?? []
  if (key === undefined || rest === undefined) return null
  return { key, route: HOSTED_POSTS.has(rest) ? HOSTED_POST : HOSTED_READ }
}

/** Names that only this server can be reached by, so that a page of it has their origin. */
function isOwnName(authority: Authority, allow: Allow): boolean {
  return isLoopback(authority) || allow.isServed(authority)
}

type Headers = ReadonlyMap<string, readonly string[]>
type Target = { path: string; query: URLSearchParams | null; viewerId: ViewerId | null }
type Caller = {
  headers: Headers
  authority: Authority
  target: Target
  viewerId: ViewerId | null
  probe: SignedProbe | null
  allow: Allow
  method: string
}
const KEY_NAME = KEY_HEADER.toLowerCase()

function refuse(code: ErrorCode): Verdict {
  return { refusal: { code, status: ERROR_STATUS[code] } }
}

/** Values by lower-case name; `null` past the limit on lines. */
function collectHeaders(raw: readonly string[]): Headers | null {
  if (raw.length > LIMITS.headerLines * 2) return null
  const headers = new Map<string, string[]>()
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = String(raw[i]).toLowerCase()
    const values = headers.get(name)
    if (values === undefined) headers.set(name, [String(raw[i + 1])])
    else values.push(String(raw[i + 1]))
  }
  return headers
}

function onlyValue(headers: Headers | null, name: string): string | null {
  const values = headers?.get(name)
  return values?.length === 1 ? (values[0] ?? null) : null
}

/** Names of data travel in the query, so a path of ours needs no escape: what holds one is trying something. */
const PATH = /^(?:\/|(?:\/[A-Za-z0-9._-]+)+|\/_cellucid\/u\/[A-Za-z0-9_-]{43}\/)$/
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/
const QUERY = /^[\x21\x22\x24-\x7e]*$/

function parseTarget(text: string): Target | null {
  const mark = text.indexOf('?')
  const path = mark < 0 ? text : text.slice(0, mark)
  const search = mark < 0 ? '' : text.slice(mark + 1)
  if (path.length > LIMITS.pathBytes || search.length > LIMITS.queryBytes) return null
  if (!PATH.test(path) || DOT_SEGMENT.test(path) || !QUERY.test(search)) return null
  if (search === '') return { path, query: null, viewerId: null }
  const query = new URLSearchParams(search)
  return { path, query, viewerId: parseViewerId(onlyParameter(query, 'viewerId')) }
}

function onlyParameter(query: URLSearchParams, name: string): string | null {
  const values = query.getAll(name)
  return values.length === 1 ? (values[0] ?? null) : null
}

/** A signed probe is GET health, or GET of the page, with a mac that holds and a nonce that was not used. */
function signedProbe(method: string, target: Target, allow: Allow): SignedProbe | null {
  const { path, viewerId, query } = target
  if (query === null || method !== 'GET' || (path !== `/${ROUTES.health}` && path !== `/${ROUTES.page}`)) return null
  const nonce = parseNonce(onlyParameter(query, 'nonce'))
  const [base, origin, ancestors, mac] = ['base', 'origin', 'ancestors', 'mac'].map((name) =>
    onlyParameter(query, name),
  )
  if (viewerId === null || nonce === null || base == null || origin == null || ancestors == null || mac == null)
    return null
  const probe = { viewerId, nonce, base, origin, ancestors, mac }
  return allow.isSigned(probe) ? probe : null
}

/** Fetch Metadata, where the browser sends it. An unknown value counts as cross-site. */
function isSiteAllowed({ headers, target, probe, method }: Caller): boolean {
  const sites = headers.get('sec-fetch-site') ?? []
  if (sites.every((site) => site === 'same-origin' || site === 'same-site' || site === 'none')) return true
  if (probe !== null) return true
  const mode = onlyValue(headers, 'sec-fetch-mode')
  const destination = onlyValue(headers, 'sec-fetch-dest')
  if (target.path === `/${ROUTES.page}`) {
    return method === 'GET' && mode === 'navigate' && (destination === 'iframe' || destination === 'document')
  }
  if (target.path !== `/${ROUTES.health}` || method !== 'GET' || mode !== 'cors') return false
  // From where, is the next rule's question; here it must say so at all.
  return headers.has('origin')
}

function isOriginAllowed({ headers, authority, probe, allow, viewerId }: Caller): boolean {
  if (!headers.has('origin') || probe !== null) return true
  const text = onlyValue(headers, 'origin')
  const origin = text === null ? null : parseOrigin(text)
  if (origin === null) return false
  if (isOwnName(authority, allow) && origin === `http://${authorityText(authority)}`) return true
  return allow.knowsOrigin(origin, viewerId)
}
