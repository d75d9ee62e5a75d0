import type { CandidateReport, Verdict, Welcome } from '../../protocol/comm.ts'
import type { PageEvents, PageLink } from '../frame/page-link.ts'
import type { ConsoleForwarder } from '../kernel/console-forwarder.ts'
import type { KernelLink } from '../kernel/kernel-link.ts'
import { askColab, readPageFacts } from '../page-facts.ts'
import { type Candidate, candidates } from './candidates.ts'
import { type OpenContext, openProven, openThroughPage, openTunnel } from './open-page.ts'
import type { Identity } from './probe.ts'
import { type Attempt, type Question, startProbes, takeBest } from './resolve.ts'

/** What a view asks for. */
export type SearchOrder = {
  welcome: Welcome
  identity: Identity
  view: string
  link: KernelLink
  console: ConsoleForwarder
  stage: HTMLElement
  events: PageEvents
  /** Bases that were proven and whose pages failed all the same. */
  passedOver: ReadonlySet<string>
  /** The user pressed the button that allows what the browser would ask about. */
  isClicked: boolean
  /** The user chose the notebook in place of a forced base that failed: nothing else is asked. */
  isThroughNotebook: boolean
  /** A base was proven, or the tunnel is taken: a page is being loaded. */
  tellLoading: () => void
  /** The tunnel waits for the running cell, or flows again. */
  tellStalled: (isStalled: boolean) => void
  signal: AbortSignal
}

export type SearchOutcome = {
  /** Greeted and started, not yet drawn; `null` when there is nothing to show. */
  page: PageLink | null
  /** In the order of the candidates; those still on their way are missing. */
  reports: CandidateReport[]
  /** All of them. */
  settled: Promise<CandidateReport[]>
  /** There is a candidate that the browser would ask its user about. */
  canClick: boolean
  /** Ask those again that may just have been slow: does one of them prove itself now? */
  worksNow: () => Promise<boolean>
}

/** Where is the server? One search of one view: candidates, probes, a page that speaks, else the tunnel. */
export async function search(order: SearchOrder): Promise<SearchOutcome> {
  const { welcome, identity, signal, isClicked, passedOver } = order
  const facts = await readPageFacts()
  const list = order.isThroughNotebook ? [] : candidates(facts, welcome)
  const standpoint = { origin: facts.origin, ancestors: facts.ancestors }
  const lateBase = () => askColab(welcome.port)
  const question = { identity, standpoint, lateBase, isClicked, signal }
  const attempts = startProbes(list, question)
  const context: OpenContext = { ...order, standpoint }
  const open = async (attempt: Attempt, base: string, opener: typeof openProven) => {
    if (signal.aborted || passedOver.has(base)) return null
    order.console.watch(base)
    order.tellLoading()
    return await opener(base, attempt.candidate.kind, context)
  }
  const page = await takeBest(attempts, {
    proven: (attempt, base) => open(attempt, base, openProven),
    unheard: (attempt, base) => open(attempt, base, openThroughPage),
  })
  const settled = Promise.all(attempts.map(({ done }) => done)).then(() => reportsOf(attempts))
  const canClick = list.some(({ how }) => how === 'click')
  const outcome = { reports: reportsOf(attempts), settled, canClick, worksNow: () => anyWorks(attempts, question) }
  // A forced base stands alone: no silent move to the notebook.
  if (page !== null || signal.aborted || isForced(list)) return { ...outcome, page }
  const through = await throughNotebook(order, context)
  const withTunnel = (reports: CandidateReport[]) => [...reports, through.report]
  return {
    ...outcome,
    page: through.page,
    reports: withTunnel(outcome.reports),
    settled: settled.then(withTunnel),
  }
}

/** A probe that timed out says nothing, and a port forward may have come up since. */
async function anyWorks(attempts: readonly Attempt[], question: Question): Promise<boolean> {
  const slow = attempts.filter(
    ({ candidate, report }) => report?.verdict === 'timeout' || (candidate.how === 'ask' && candidate.retries),
  )
  const again = startProbes(
    slow.map(({ candidate }) => candidate),
    question,
  )
  const reports = await Promise.all(again.map(({ done }) => done))
  return reports.some(({ verdict }) => verdict === 'proven')
}

async function throughNotebook(
  { link, console, tellLoading }: SearchOrder,
  context: OpenContext,
): Promise<{ page: PageLink | null; report: CandidateReport }> {
  const start = performance.now()
  const report = (verdict: Verdict, reason?: string): CandidateReport => {
    const ms = Math.round(performance.now() - start)
    return { kind: 'tunnel', base: null, verdict, ms, ...(reason === undefined ? {} : { reason }) }
  }
  if (!link.isLive) return { page: null, report: report('skipped', 'the kernel is not connected') }
  tellLoading()
  try {
    const page = await openTunnel(context)
    return { page, report: page === null ? report('frameSilent') : report('proven') }
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'the kernel did not answer'
    if (!context.signal.aborted) console.log('error', reason)
    return { page: null, report: report('status', reason) }
  }
}

function isForced(list: readonly Candidate[]): boolean {
  return list.some(({ kind }) => kind === 'override')
}

function reportsOf(attempts: readonly Attempt[]): CandidateReport[] {
  return attempts.flatMap(({ report }) => report ?? [])
}
