import type { CandidateKind, Hints, Welcome } from '../../protocol/comm.ts'
import { isLoopback, parseBase } from '../../protocol/urls.ts'
import type { PageFacts } from '../page-facts.ts'

/** A base not yet proven, or the reason why it is not asked. */
export type Candidate =
  /** May be asked now. `retries`: a port forward may still be on its way, so a refusal is asked once more. */
  | { how: 'ask'; kind: CandidateKind; base: string; retries: boolean }
  /** The host makes the base on request, see `askColab`. */
  | { how: 'late'; kind: 'cross-origin-proxy'; from: 'colab' }
  /** The browser would ask its user: only behind a button. */
  | { how: 'click'; kind: CandidateKind; base: string; why: string }
  | { how: 'skip'; kind: CandidateKind; base: string | null; why: string }

type Told = Pick<Welcome, 'port' | 'door' | 'override' | 'hints'>

/**
 * The bases to try, best first. Pure: environments only order and form candidates, a proof decides.
 * A forced base stands alone.
 */
export function candidates(facts: PageFacts, told: Told): Candidate[] {
  if (told.override !== null) return [override(told.override, facts, told)]
  return [...doors(facts, told), ...proxies(facts, told), direct(facts, told)].sort(
    (a, b) => RANK[a.kind] - RANK[b.kind],
  )
}

/**
 * Nobody but the user can stand in the place of a socket file. Same origin knows no permissions, mixed content or
 * third-party cookies; loopback is fast, but its host ambiguous.
 */
const RANK: Record<CandidateKind, number> = {
  override: 0,
  'server-extension': 1,
  'same-origin-proxy': 2,
  direct: 3,
  'cross-origin-proxy': 4,
  tunnel: 5,
}

function override(text: string, facts: PageFacts, told: Told): Candidate {
  const filled = text.replaceAll('{port}', String(told.port))
  const base = parseBase(filled.startsWith('/') ? `${facts.origin}${filled}` : filled)
  if (base === null) {
    return { how: 'skip', kind: 'override', base: null, why: `"${filled}" is not an http or https address` }
  }
  const { protocol, hostname } = new URL(base)
  if (isLoopback(hostname)) return { kind: 'override', base, ...loopbackRule(facts) }
  if (protocol === 'http:' && facts.scheme === 'https:') {
    const why = 'a page that was loaded over https cannot show one of plain http: give an https address'
    return { how: 'skip', kind: 'override', base, why }
  }
  return { how: 'ask', kind: 'override', base, retries: false }
}

function direct(facts: PageFacts, { port, hints }: Told): Candidate {
  const rule = loopbackRule(facts)
  const base = `http://127.0.0.1:${port}/`
  if (rule.how === 'click' && isElsewhere(facts, hints)) {
    const why = 'the kernel runs on another machine than this browser'
    return { how: 'skip', kind: 'direct', base, why }
  }
  return { kind: 'direct', base, ...rule }
}

/** Hosts whose kernels never share the browser's loopback: a permission prompt would buy nothing. */
function isElsewhere(facts: PageFacts, hints: Hints): boolean {
  const isHosted = hints.hubPrefix !== undefined || hints.codespaceName !== undefined || hints.databricks === true
  return isHosted || facts.hasColabProxy
}

type LoopbackRule = { how: 'ask'; retries: boolean } | { how: 'click' | 'skip'; why: string }

/** May this page ask the loopback address without the browser asking its user first? */
function loopbackRule(facts: PageFacts): LoopbackRule {
  const isWebview = facts.scheme === 'vscode-webview:' && facts.isElectron
  if (facts.isSafari && facts.scheme === 'https:') {
    return { how: 'skip', why: 'Safari lets no https page reach this computer' }
  }
  if (isLoopback(facts.hostname) || isWebview) return { how: 'ask', retries: isWebview }
  if (!facts.isSecureContext) {
    return { how: 'skip', why: 'the notebook came over plain http, and browsers let no such page reach this computer' }
  }
  if (facts.loopbackPermission === 'granted') return { how: 'ask', retries: false }
  if (facts.loopbackPermission === 'denied') {
    return { how: 'skip', why: 'the browser denies this page access to this computer' }
  }
  return { how: 'click', why: 'the browser will ask you first' }
}

/** Our extension of the notebook server, wherever that server may be: one that lacks it says so at once. */
function doors(facts: PageFacts, { door }: Told): Candidate[] {
  const bases = door === undefined ? [] : notebookBases(facts).map((base) => new URL(`cellucid/${door}/`, base))
  const own = bases.filter(({ origin }) => origin === facts.origin)
  return own.map(({ href }) => ({ how: 'ask', kind: 'server-extension', base: href, retries: false }))
}

function proxies(facts: PageFacts, { port, hints }: Told): Candidate[] {
  const bases = [
    ...notebookBases(facts).map((base) => new URL(`proxy/${port}/`, base).href),
    ...templateBase(facts, port, hints),
    ...codespacesBase(facts, port, hints),
  ]
  const asked = [...new Set(bases)].map((base): Candidate => {
    const kind = new URL(base).origin === facts.origin ? 'same-origin-proxy' : 'cross-origin-proxy'
    return { how: 'ask', kind, base, retries: false }
  })
  return facts.hasColabProxy ? [...asked, { how: 'late', kind: 'cross-origin-proxy', from: 'colab' }] : asked
}

/** Where the notebook server's own URLs begin; the first source that speaks is believed. */
function notebookBases(facts: PageFacts): string[] {
  // VS Code writes whole addresses there: where its widgets' files lie, or a Jupyter server that its page cannot ask.
  const bodyPath = facts.bodyBaseUrl?.startsWith('/') === true ? facts.bodyBaseUrl : null
  const told = facts.configBaseUrl ?? bodyPath
  const paths = told === null ? cutPaths(facts) : [told]
  return paths.flatMap((path) => {
    const withSlash = path.endsWith('/') ? path : `${path}/`
    const base = isWeb(facts) && withSlash.startsWith('/') ? `${facts.origin}${withSlash}` : withSlash
    return listOf(parseBase(base))
  })
}

function isWeb(facts: PageFacts): boolean {
  return facts.scheme === 'http:' || facts.scheme === 'https:'
}

const MAX_CUTS = 3

/** code-server serves its webviews below /stable-<hash>/, and its proxy beside that. */
const WORKBENCH = '/stable-'

/** A user or a folder may be called "lab" too, so that each cut is a candidate of its own. */
function cutPaths(facts: PageFacts): string[] {
  if (!isWeb(facts)) return []
  const { pathname } = facts
  const words = pathname.matchAll(/\/(?:lab|tree|notebooks|doc|edit|consoles|nbclassic|voila)(?=\/|$)/g)
  const cuts = [...words].map((match) => pathname.slice(0, match.index + 1))
  const workbench = pathname.indexOf(WORKBENCH)
  return [...cuts, ...(workbench === -1 ? [] : [pathname.slice(0, workbench + 1)])].slice(0, MAX_CUTS)
}

/** code-server and Coder: an address with `{{port}}` in it, absolute, or relative to the workbench. */
function templateBase(facts: PageFacts, port: number, { vscodeProxyUri }: Hints): string[] {
  if (vscodeProxyUri === undefined) return []
  const filled = vscodeProxyUri.replaceAll('{{port}}', String(port))
  if (/^https?:/.test(filled)) return listOf(parseBase(filled))
  const workbench = facts.pathname.indexOf(WORKBENCH)
  if (!isWeb(facts) || workbench === -1) return []
  const from = `${facts.origin}${facts.pathname.slice(0, workbench + 1)}`
  return URL.canParse(filled, from) ? listOf(parseBase(new URL(filled, from).href)) : []
}

/** In the browser a private port of a codespace has an address of its own; the desktop maps it to loopback instead. */
function codespacesBase(facts: PageFacts, port: number, { codespaceName, codespacesDomain }: Hints): string[] {
  if (codespaceName === undefined || codespacesDomain === undefined || facts.scheme !== 'https:') return []
  return listOf(parseBase(`https://${codespaceName}-${port}.${codespacesDomain}/`))
}

function listOf<T>(item: T | null): T[] {
  return item === null ? [] : [item]
}
